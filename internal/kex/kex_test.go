package kex

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// implementations are all agreements of a group, the chosen one first.
type implementations struct {
	id    iana.Group
	names []string
	impls []agreement
}

// everything is each group with each of its implementations, those of the hybrids with the
// parts of FIPS mode and without.
func everything() []implementations {
	tables := []struct {
		name string
		rows [len(table)]Scheme
	}{
		{"chosen", table},
		{"amd64", newTable(false, "amd64")},
		{"riscv64", newTable(false, "riscv64")},
		{"FIPS mode", newTable(true, "amd64")},
	}
	var all []implementations
	for i := range table {
		g, seen := implementations{id: table[i].ID}, map[any]bool{}
		for _, other := range tables {
			a := other.rows[i].agreement
			var key any = a
			if h, ok := a.(*hybrid); ok {
				key = *h
			}
			if !seen[key] {
				seen[key] = true
				g.names, g.impls = append(g.names, other.name), append(g.impls, a)
			}
		}
		all = append(all, g)
	}
	return all
}

// stream returns a stream of bytes that is the same for the same seed.
func stream(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// mustGenerate returns a key of a and its share.
func mustGenerate(t testing.TB, a agreement, rand io.Reader) (Key, []byte) {
	t.Helper()
	k, err := a.generate(rand)
	if err != nil {
		t.Fatal(err)
	}
	return k, k.AppendPublic(nil)
}

func TestLengths(t *testing.T) {
	// draft-ietf-tls-ecdhe-mlkem, Section 3; RFC 8446, Sections 4.2.8.2 and 7.4.2; FIPS 203,
	// Table 3.
	for _, c := range []struct {
		id                     iana.Group
		client, server, secret int
		approved               bool
	}{
		{iana.X25519, 32, 32, 32, false},
		{iana.Secp256r1, 65, 65, 32, true},
		{iana.Secp384r1, 97, 97, 48, true},
		{iana.Secp521r1, 133, 133, 66, true},
		{iana.X25519MLKEM768, 1216, 1120, 64, true},
		{iana.SecP256r1MLKEM768, 1249, 1153, 64, true},
		{iana.SecP384r1MLKEM1024, 1665, 1665, 80, true},
		{iana.MLKEM1024, 1568, 1568, 32, true},
	} {
		s := Lookup(c.id)
		if s == nil {
			t.Errorf("%v is not there", c.id)
			continue
		}
		if s.ID != c.id || s.ClientShareLen != c.client || s.ServerShareLen != c.server || s.SecretLen != c.secret || s.Approved != c.approved {
			t.Errorf("row %+v, want %+v", *s, c)
		}
		if max(s.ClientShareLen, s.ServerShareLen) > MaxShareLen || s.SecretLen > MaxSecretLen {
			t.Errorf("%v is beyond MaxShareLen or MaxSecretLen", c.id)
		}
		k, err := s.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		clientShare := k.AppendPublic(nil)
		serverShare, secret, err := s.Encapsulate(nil, nil, nil, clientShare)
		if err != nil {
			t.Fatal(err)
		}
		if len(clientShare) != c.client || len(serverShare) != c.server || len(secret) != c.secret {
			t.Errorf("%v: shares of %d and %d bytes, secret of %d, want %+v", c.id, len(clientShare), len(serverShare), len(secret), c)
		}
	}
	for _, id := range []iana.Group{0, iana.X448, iana.MLKEM512, iana.MLKEM768, iana.FFDHE2048, 0x1a1a} {
		if Lookup(id) != nil {
			t.Errorf("%v has a row", id)
		}
	}
}

// TestImplementationsAgree exchanges secrets between every two implementations of a group,
// with production randomness.
func TestImplementationsAgree(t *testing.T) {
	for _, g := range everything() {
		for i, client := range g.impls {
			for j, server := range g.impls {
				k, share := mustGenerate(t, client, nil)
				answer, theirs, err := server.encapsulate(nil, nil, nil, share)
				if err != nil {
					t.Fatalf("%v: %s server: %v", g.id, g.names[j], err)
				}
				ours, err := k.Shared(nil, answer)
				if err != nil {
					t.Fatalf("%v: %s client: %v", g.id, g.names[i], err)
				}
				if !bytes.Equal(ours, theirs) {
					t.Errorf("%v: %s client and %s server have different secrets", g.id, g.names[i], g.names[j])
				}
			}
		}
	}
}

// TestStreamDecides has all implementations give the same bytes for the same stream, and
// others for another.
func TestStreamDecides(t *testing.T) {
	exchange := func(a agreement, client, server io.Reader) [3]string {
		k, share := mustGenerate(t, a, client)
		answer, theirs, err := a.encapsulate(server, nil, nil, share)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := k.Shared(nil, answer)
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Fatalf("secrets differ, or %v", err)
		}
		return [3]string{string(share), string(answer), string(ours)}
	}
	for _, g := range everything() {
		want := exchange(g.impls[0], stream(1), stream(2))
		for i, a := range g.impls {
			if got := exchange(a, stream(1), stream(2)); got != want {
				t.Errorf("%v: %s gives other bytes than %s for the same stream", g.id, g.names[i], g.names[0])
			}
			for n, got := range [][3]string{exchange(a, stream(3), stream(2)), exchange(a, stream(1), stream(3)), exchange(a, nil, nil)} {
				if got[n%2] == want[n%2] || got[2] == want[2] {
					t.Errorf("%v: %s gives the same bytes for other randomness (case %d)", g.id, g.names[i], n)
				}
			}
		}
	}
}

func TestProductionKeysDiffer(t *testing.T) {
	for i := range table {
		s := &table[i]
		_, share1 := mustGenerate(t, s.agreement, nil)
		_, share2 := mustGenerate(t, s.agreement, nil)
		answer1, secret1, err1 := s.Encapsulate(nil, nil, nil, share1)
		answer2, secret2, err2 := s.Encapsulate(nil, nil, nil, share1)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if bytes.Equal(share1, share2) || bytes.Equal(answer1, answer2) || bytes.Equal(secret1, secret2) {
			t.Errorf("%v: the same share or secret twice", s.ID)
		}
	}
}

// TestAppends has every function keep what is in its destination, and use its capacity.
func TestAppends(t *testing.T) {
	for _, g := range everything() {
		for i, a := range g.impls {
			n := a.sizes()
			k, err := a.generate(nil)
			if err != nil {
				t.Fatal(err)
			}
			share := k.AppendPublic(append(make([]byte, 0, 4000), "share"...))
			buf := make([]byte, 0, 4000)
			answer, secret, err := a.encapsulate(nil, append(buf, "answer"...), []byte("secret"), share[5:])
			if err != nil {
				t.Fatal(err)
			}
			ours, err := k.Shared([]byte("ours"), answer[6:])
			if err != nil {
				t.Fatal(err)
			}
			if string(share[:5]) != "share" || len(share) != 5+n.client ||
				string(answer[:6]) != "answer" || len(answer) != 6+n.server ||
				string(secret[:6]) != "secret" || len(secret) != 6+n.secret ||
				string(ours[:4]) != "ours" || !bytes.Equal(ours[4:], secret[6:]) {
				t.Errorf("%v, %s: a prefix is gone or a length is wrong", g.id, g.names[i])
			}
			if &answer[0] != &buf[:1][0] {
				t.Errorf("%v, %s: Encapsulate left a buffer that was large enough", g.id, g.names[i])
			}
		}
	}
}

func TestClearedKey(t *testing.T) {
	for _, g := range everything() {
		for i, a := range g.impls {
			k, share := mustGenerate(t, a, nil)
			answer, _, err := a.encapsulate(nil, nil, nil, share)
			if err != nil {
				t.Fatal(err)
			}
			k.Clear()
			k.Clear()
			if got, err := k.Shared([]byte("x"), answer); !errors.Is(err, errCleared) || string(got) != "x" {
				t.Errorf("%v, %s: Shared after Clear: %q, %v", g.id, g.names[i], got, err)
			}
			if got := k.AppendPublic([]byte("x")); string(got) != "x" {
				t.Errorf("%v, %s: AppendPublic after Clear appends %d bytes", g.id, g.names[i], len(got)-1)
			}
		}
	}
}

func TestX25519ClearWipes(t *testing.T) {
	var k x25519Key
	if err := k.init(stream(1)); err != nil {
		t.Fatal(err)
	}
	k.Clear()
	if k.secret != (x25519Key{}).secret {
		t.Error("the scalar is still there")
	}
}

func TestKeysPrintAsSecret(t *testing.T) {
	for _, g := range everything() {
		for i, a := range g.impls {
			k, _ := mustGenerate(t, a, stream(1))
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				if got := strings.Trim(fmt.Sprintf(format, k), `"`); got != "secret" {
					t.Errorf("%v, %s: %s prints %q", g.id, g.names[i], format, got)
				}
			}
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "key", k)
			if !strings.Contains(b.String(), `"key":"secret"`) {
				t.Errorf("%v, %s: logged as %s", g.id, g.names[i], b.String())
			}
		}
	}
}

// ones is a stream of 0xff, which is above the order of every curve.
type ones struct{}

func (ones) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0xff
	}
	return len(b), nil
}

func TestBadRandomSource(t *testing.T) {
	for _, g := range everything() {
		for i, a := range g.impls {
			if _, err := a.generate(strings.NewReader("too short")); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v, %s: generate from 9 bytes: %v", g.id, g.names[i], err)
			}
			_, share := mustGenerate(t, a, nil)
			got, secret, err := a.encapsulate(strings.NewReader("too short"), []byte("x"), []byte("y"), share)
			if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "x" || string(secret) != "y" {
				t.Errorf("%v, %s: encapsulate from 9 bytes: %d, %d, %v", g.id, g.names[i], len(got), len(secret), err)
			}
		}
	}
	for _, c := range []struct {
		a    agreement
		want string
	}{
		{secp256r1, "kex: generate a key of secp256r1: 16 scalars of the random source are not below the order"},
		{secp384r1, "kex: generate a key of secp384r1: 16 scalars of the random source are not below the order"},
		{secp521r1, "kex: generate a key of secp521r1: 16 scalars of the random source are not below the order"},
	} {
		if _, err := c.a.generate(ones{}); err == nil || err.Error() != c.want {
			t.Errorf("a source of ones gives %v, want %q", err, c.want)
		}
	}
	// One scalar that is too large, then one that is not: the second is the key.
	for _, c := range []*curve{secp256r1, secp384r1, secp521r1} {
		big := io.LimitReader(ones{}, int64(c.secretLen))
		_, got := mustGenerate(t, c, io.MultiReader(big, stream(1)))
		if _, want := mustGenerate(t, c, stream(1)); !bytes.Equal(got, want) {
			t.Errorf("%v: the scalar after one that is too large was not taken", c.id)
		}
	}
}
