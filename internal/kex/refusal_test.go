package kex

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// lowOrder are the encodings of points whose multiples by a clamped scalar are all zero:
// RFC 7748's, those above the modulus, and some with the bit set that is to be ignored.
var lowOrder = [][]byte{
	make([]byte, 32),
	append([]byte{1}, make([]byte, 31)...),
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
		0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	middle(0xec, 0x7f), // p-1
	middle(0xed, 0x7f), // p
	middle(0xee, 0x7f), // p+1
	middle(0xed, 0xff), // p, and the bit
	append(make([]byte, 31), 0x80),
}

// middle is first, thirty times 0xff, and last.
func middle(first, last byte) []byte {
	b := bytes.Repeat([]byte{0xff}, 32)
	b[0], b[31] = first, last
	return b
}

// with returns b with byte i changed to v.
func with(b []byte, i int, v byte) []byte {
	b = bytes.Clone(b)
	b[i] = v
	return b
}

// cut returns b with n bytes more, or fewer if n is negative.
func cut(b []byte, n int) []byte {
	if n < 0 {
		return b[:len(b)+n]
	}
	return append(bytes.Clone(b), make([]byte, n)...)
}

// notReducedAt returns an encapsulation key with its first coefficient at byte i set to the
// modulus, 3329 = 0xd01.
func notReducedAt(b []byte, i int) []byte {
	return with(with(b, i, 0x01), i+1, b[i+1]&0xf0|0x0d)
}

func TestRefusals(t *testing.T) {
	const (
		client = 1 << iota // the share is refused by the server, which encapsulates to it
		server             // the share is refused by the client, in Shared
		both   = client | server
	)
	for _, c := range []struct {
		sentence string
		id       iana.Group
		sides    int
		share    func(good []byte) []byte
		want     string
	}{
		{"x25519 without its last byte", iana.X25519, both,
			func(b []byte) []byte { return cut(b, -1) }, "kex: peer's x25519 key share has 31 bytes instead of 32"},
		{"x25519 with a byte too many", iana.X25519, both,
			func(b []byte) []byte { return cut(b, 1) }, "kex: peer's x25519 key share has 33 bytes instead of 32"},
		{"an empty x25519 share", iana.X25519, both,
			func([]byte) []byte { return nil }, "kex: peer's x25519 key share has 0 bytes instead of 32"},
		{"P-256 in compressed form", iana.Secp256r1, both,
			func(b []byte) []byte { return append([]byte{2 | b[64]&1}, b[1:33]...) }, "kex: peer's secp256r1 key share has 33 bytes instead of 65"},
		{"P-256 in hybrid form", iana.Secp256r1, both,
			func(b []byte) []byte { return with(b, 0, 6|b[64]&1) }, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"P-256 beside the curve", iana.Secp256r1, both,
			func(b []byte) []byte { return with(b, 64, b[64]^1) }, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"P-256 at infinity in one byte", iana.Secp256r1, both,
			func([]byte) []byte { return []byte{0} }, "kex: peer's secp256r1 key share has 1 bytes instead of 65"},
		{"P-256 at infinity in 65 bytes", iana.Secp256r1, both,
			func([]byte) []byte { return make([]byte, 65) }, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"P-256 at (0, 0)", iana.Secp256r1, both,
			func([]byte) []byte { return with(make([]byte, 65), 0, 4) }, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"P-256 with coordinates above the modulus", iana.Secp256r1, both,
			func([]byte) []byte { return with(bytes.Repeat([]byte{0xff}, 65), 0, 4) }, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"P-384 beside the curve", iana.Secp384r1, both,
			func(b []byte) []byte { return with(b, 1, b[1]^1) }, "kex: peer's secp384r1 key share of 97 bytes is not an uncompressed point of the curve"},
		{"P-521 beside the curve", iana.Secp521r1, both,
			func(b []byte) []byte { return with(b, 132, b[132]^1) }, "kex: peer's secp521r1 key share of 133 bytes is not an uncompressed point of the curve"},
		{"P-521 without a leading zero", iana.Secp521r1, both,
			func(b []byte) []byte { return append([]byte{4}, b[2:]...) }, "kex: peer's secp521r1 key share has 132 bytes instead of 133"},
		{"ML-KEM-1024 key without its last byte", iana.MLKEM1024, client,
			func(b []byte) []byte { return cut(b, -1) }, "kex: peer's MLKEM1024 key share has 1567 bytes instead of 1568"},
		{"ML-KEM-1024 ciphertext with a byte too many", iana.MLKEM1024, server,
			func(b []byte) []byte { return cut(b, 1) }, "kex: peer's MLKEM1024 key share has 1569 bytes instead of 1568"},
		{"ML-KEM-1024 key whose first coefficient is the modulus", iana.MLKEM1024, client,
			func(b []byte) []byte { return notReducedAt(b, 0) }, "kex: peer's MLKEM1024 key share of 1568 bytes is not an encapsulation key: a coefficient is not below the modulus"},
		{"ML-KEM-1024 key whose last polynomial is not reduced", iana.MLKEM1024, client,
			func(b []byte) []byte { return notReducedAt(b, 1533) }, "kex: peer's MLKEM1024 key share of 1568 bytes is not an encapsulation key: a coefficient is not below the modulus"},
		{"X25519MLKEM768 without its last byte", iana.X25519MLKEM768, client,
			func(b []byte) []byte { return cut(b, -1) }, "kex: peer's X25519MLKEM768 key share has 1215 bytes instead of 1216"},
		{"X25519MLKEM768, server's share of the client's length", iana.X25519MLKEM768, server,
			func(b []byte) []byte { return cut(b, 96) }, "kex: peer's X25519MLKEM768 key share has 1216 bytes instead of 1120"},
		{"X25519MLKEM768 whose ML-KEM key is not reduced", iana.X25519MLKEM768, client,
			func(b []byte) []byte { return notReducedAt(b, 0) },
			"kex: peer's X25519MLKEM768 key share: MLKEM768 part of 1184 bytes is not an encapsulation key: a coefficient is not below the modulus"},
		{"X25519MLKEM768 with a low order point at the end", iana.X25519MLKEM768, both,
			func(b []byte) []byte { return append(bytes.Clone(b[:len(b)-32]), make([]byte, 32)...) },
			"kex: peer's X25519MLKEM768 key share: x25519 part of 32 bytes gives an all-zero secret"},
		{"SecP256r1MLKEM768 with the halves of the other order", iana.SecP256r1MLKEM768, client,
			func(b []byte) []byte { return append(bytes.Clone(b[65:]), b[:65]...) },
			"kex: peer's SecP256r1MLKEM768 key share: secp256r1 part of 65 bytes is not an uncompressed point of the curve"},
		{"SecP256r1MLKEM768 whose ML-KEM key is not reduced", iana.SecP256r1MLKEM768, client,
			func(b []byte) []byte { return notReducedAt(b, 65) },
			"kex: peer's SecP256r1MLKEM768 key share: MLKEM768 part of 1184 bytes is not an encapsulation key: a coefficient is not below the modulus"},
		{"SecP256r1MLKEM768 beside the curve", iana.SecP256r1MLKEM768, both,
			func(b []byte) []byte { return with(b, 64, b[64]^1) },
			"kex: peer's SecP256r1MLKEM768 key share: secp256r1 part of 65 bytes is not an uncompressed point of the curve"},
		{"SecP384r1MLKEM1024 without its curve", iana.SecP384r1MLKEM1024, both,
			func(b []byte) []byte { return b[97:] }, "kex: peer's SecP384r1MLKEM1024 key share has 1568 bytes instead of 1665"},
		{"SecP384r1MLKEM1024 whose ML-KEM key is not reduced", iana.SecP384r1MLKEM1024, client,
			func(b []byte) []byte { return notReducedAt(b, 97+1533) },
			"kex: peer's SecP384r1MLKEM1024 key share: MLKEM1024 part of 1568 bytes is not an encapsulation key: a coefficient is not below the modulus"},
	} {
		for _, g := range everything() {
			if g.id != c.id {
				continue
			}
			for i, a := range g.impls {
				key, good := mustGenerate(t, a, nil)
				answer, _, err := a.encapsulate(nil, nil, nil, good)
				if err != nil {
					t.Fatal(err)
				}
				if c.sides&client != 0 {
					checkRefused(t, fmt.Sprintf("%s, server %s", c.sentence, g.names[i]), c.id, c.want, func(dst []byte) ([]byte, error) {
						share, secret, err := a.encapsulate(nil, []byte("share"), dst, c.share(good))
						if string(share) != "share" {
							t.Errorf("%s: a share of %d bytes beside the error", c.sentence, len(share))
						}
						return secret, err
					})
				}
				if c.sides&server != 0 {
					checkRefused(t, fmt.Sprintf("%s, client %s", c.sentence, g.names[i]), c.id, c.want, func(dst []byte) ([]byte, error) {
						return key.Shared(dst, c.share(answer))
					})
				}
			}
		}
	}
}

func TestLowOrderPoints(t *testing.T) {
	for _, a := range []agreement{circlX25519{}, &stdX25519} {
		key, _ := mustGenerate(t, a, nil)
		for _, p := range lowOrder {
			const want = "kex: peer's x25519 key share of 32 bytes gives an all-zero secret"
			checkRefused(t, fmt.Sprintf("%T client, %x", a, p), iana.X25519, want, func(dst []byte) ([]byte, error) {
				return key.Shared(dst, p)
			})
			checkRefused(t, fmt.Sprintf("%T server, %x", a, p), iana.X25519, want, func(dst []byte) ([]byte, error) {
				_, secret, err := a.encapsulate(nil, nil, dst, p)
				return secret, err
			})
		}
	}
}

// checkRefused calls use with a destination that has room, and wants it back unchanged,
// without a secret in its room, beside a ShareError of that sentence.
func checkRefused(t *testing.T, name string, id iana.Group, want string, use func(dst []byte) ([]byte, error)) {
	t.Helper()
	room := make([]byte, 6+MaxSecretLen)
	copy(room, "before")
	got, err := use(room[:6])
	var share *ShareError
	switch {
	case err == nil:
		t.Errorf("%s: taken", name)
		return
	case err.Error() != want:
		t.Errorf("%s:\n got %v\nwant %s", name, err, want)
	case !errors.As(err, &share) || share.Group != id || share.Alert() != iana.IllegalParameter:
		t.Errorf("%s: %#v", name, err)
	}
	if string(got) != "before" {
		t.Errorf("%s: %d bytes beside the error", name, len(got))
	}
	if !bytes.Equal(room[6:], make([]byte, MaxSecretLen)) {
		t.Errorf("%s: a secret stays in the buffer: %x", name, room[6:])
	}
}

// TestWrongCiphertext has a ciphertext for somebody else give a secret of its own, the same
// one each time, and no error.
func TestWrongCiphertext(t *testing.T) {
	for _, g := range everything() {
		if g.id != iana.MLKEM1024 {
			continue
		}
		var first []byte
		for i, a := range g.impls {
			key, share := mustGenerate(t, a, stream(1))
			answer, secret, err := a.encapsulate(stream(2), nil, nil, share)
			if err != nil {
				t.Fatal(err)
			}
			got, err := key.Shared(nil, with(answer, 0, answer[0]^1))
			if err != nil || bytes.Equal(got, secret) {
				t.Errorf("%s: a changed ciphertext gives %x, %v", g.names[i], got, err)
			}
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("%s: implicit rejection differs from that of %s", g.names[i], g.names[0])
			}
		}
	}
}

func FuzzPeerShare(f *testing.F) {
	for i := range table {
		k, share := mustGenerate(f, table[i].agreement, stream(1))
		answer, _, err := table[i].Encapsulate(stream(2), nil, nil, share)
		if err != nil {
			f.Fatal(err)
		}
		k.Clear()
		f.Add(byte(i), share)
		f.Add(byte(i), answer)
	}
	f.Fuzz(func(t *testing.T, i byte, share []byte) {
		s := &table[int(i)%len(table)]
		var wrong *ShareError
		answer, secret, err := s.Encapsulate(nil, nil, nil, share)
		if err == nil && (len(share) != s.ClientShareLen || len(answer) != s.ServerShareLen || len(secret) != s.SecretLen) {
			t.Errorf("%v: share of %d bytes is answered with %d and a secret of %d", s.ID, len(share), len(answer), len(secret))
		}
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%v: %v", s.ID, err)
		}
		k, _ := mustGenerate(t, s.agreement, nil)
		secret, err = k.Shared(nil, share)
		if err == nil && (len(share) != s.ServerShareLen || len(secret) != s.SecretLen) {
			t.Errorf("%v: answer of %d bytes gives a secret of %d", s.ID, len(share), len(secret))
		}
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%v: %v", s.ID, err)
		}
	})
}
