package pkcs11

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// padded is a PKCS #1 v1.5 block of 256 bytes around message, changed.
func padded(message []byte, change func([]byte)) []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i%255) + 1
	}
	b[0], b[1] = 0, 2
	b[len(b)-len(message)-1] = 0
	copy(b[len(b)-len(message):], message)
	if change != nil {
		change(b)
	}
	return b
}

var premaster = append([]byte{3, 3}, bytes.Repeat([]byte{0x5a}, premasterLen-2)...)

// blocks are what a client may encrypt, good and bad.
var blocks = []struct {
	name  string
	block []byte
	good  bool
}{
	{"a good one", padded(premaster, nil), true},
	{"a good one with zeros in the message", padded(make([]byte, premasterLen), nil), true},
	{"a first byte that is not 0", padded(premaster, func(b []byte) { b[0] = 1 }), false},
	{"a second byte that is not 2", padded(premaster, func(b []byte) { b[1] = 1 }), false},
	{"a zero at the padding's begin", padded(premaster, func(b []byte) { b[2] = 0 }), false},
	{"a zero at the padding's end", padded(premaster, func(b []byte) { b[256-50] = 0 }), false},
	{"no zero at all", padded(premaster, func(b []byte) { b[256-49] = 7 }), false},
	{"a shorter message", padded(premaster[1:], nil), false},
	{"a longer message", padded(append([]byte{1}, premaster...), nil), false},
	{"no message", padded(nil, nil), false},
	{"noise", bytes.Repeat([]byte{0x77}, 256), false},
	{"zeros", make([]byte, 256), false},
}

// TestUnpadCases calls unpadCT once for each block, as package interop wants it to measure the
// calls.
func TestUnpadCases(t *testing.T) {
	random := bytes.Repeat([]byte{0xee}, premasterLen)
	t.Log("case first call: good")
	unpadCT(bytes.Clone(random), padded(premaster, nil))
	for _, test := range blocks {
		t.Logf("case 256 bytes: %s", test.name)
		out := bytes.Clone(random)
		unpadCT(out, test.block)
		want := random
		if test.good {
			want = test.block[256-premasterLen:]
		}
		if !bytes.Equal(out, want) {
			t.Errorf("%s: %x", test.name, out)
		}
	}
}

// TestNaiveUnpad does the same as one who looks for the first fault, which package interop can tell
// from one who does not.
func TestNaiveUnpad(t *testing.T) {
	t.Log("case first call: good")
	naiveUnpad(make([]byte, premasterLen), padded(premaster, nil))
	for _, test := range blocks {
		t.Logf("case 256 bytes: %s", test.name)
		if good := naiveUnpad(make([]byte, premasterLen), test.block); good != test.good {
			t.Errorf("%s: %v", test.name, good)
		}
	}
}

//go:noinline
func naiveUnpad(out, padded []byte) bool {
	end := len(padded) - len(out) - 1
	if padded[0] != 0 || padded[1] != 2 || bytes.IndexByte(padded[2:], 0) != end-2 {
		return false
	}
	copy(out, padded[end+1:])
	return true
}

// encrypt is the bare RSA operation.
func encrypt(pub *rsa.PublicKey, block []byte) []byte {
	n := new(big.Int).Exp(new(big.Int).SetBytes(block), big.NewInt(int64(pub.E)), pub.N)
	return n.FillBytes(make([]byte, pub.Size()))
}

// Good and bad ciphertexts take the same path: the same calls of the token, the same answer to
// the operation, of the same length, and no error even where only we see it.
func TestGoodAndBadCiphertextsAreTreatedAlike(t *testing.T) {
	pub := testRSA().Public().(*rsa.PublicKey)
	for name, tokenUnpads := range map[string]bool{"we unpad": false, "the token unpads": true} {
		f := newFake(testRSA())
		token := f.open(t, func(c *Config) { c.TokenUnpads = tokenUnpads; c.Workers = 1 })
		// do decrypts one block and returns what that cost the token.
		do := func(test string, block []byte) ([]byte, Metrics, map[string]int) {
			before := token.Metrics()
			f.change(func() { f.calls = map[string]int{} })
			out, err := perform(t, token.Handle, asyncpkey.Request{Kind: asyncpkey.Decrypt, Ciphertext: encrypt(pub, block), PublicKey: pub})
			if err != nil || len(out) != premasterLen {
				t.Fatalf("%s, %s: %d bytes, %v", name, test, len(out), err)
			}
			eventually(t, "the worker's leisure", func() bool { return token.Metrics().InFlight == 0 })
			after := token.Metrics()
			after.Done -= before.Done
			after.Sessions -= before.Sessions
			return out, after, f.calls
		}
		do("the first one", blocks[0].block) // which looks for the key
		_, usual, calls := do("a good one", blocks[0].block)
		if fresh := map[bool]uint64{true: 1}[tokenUnpads]; usual.Sessions != fresh {
			t.Errorf("%s: a decryption opened %d sessions, want %d: the token's error ends one", name, usual.Sessions, fresh)
		}
		for _, test := range blocks {
			if new(big.Int).SetBytes(test.block).Cmp(pub.N) >= 0 {
				continue
			}
			out, m, c := do(test.name, test.block)
			if good := bytes.Equal(out, test.block[256-premasterLen:]); good != test.good {
				t.Errorf("%s, %s: taken for good = %v", name, test.name, good)
			}
			if m != usual || !maps.Equal(c, calls) {
				t.Errorf("%s, %s: it cost %+v and %v, a good one %+v and %v", name, test.name, m, c, usual, calls)
			}
		}
	}
}

// What everybody can see of a ciphertext is an error of its own, before the token is asked.
func TestCiphertextThatIsNone(t *testing.T) {
	f := newFake(testRSA(), testP256())
	token := f.open(t)
	k := keyOf(t, token, testRSA())
	pub := testRSA().Public().(*rsa.PublicKey)
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	session := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: premasterLen}
	for name, ciphertext := range map[string][]byte{
		"too short": make([]byte, 255), "too long": make([]byte, 257), "empty": nil,
		"the modulus": pub.N.Bytes(), "beyond the modulus": bytes.Repeat([]byte{0xff}, 256),
	} {
		if _, err := k.Decrypt(rand.Reader, ciphertext, session); err == nil || !strings.Contains(err.Error(), "ciphertext") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.called("DecryptInit") != 0 {
		t.Error("the token was asked")
	}
	if _, err := k.Decrypt(rand.Reader, make([]byte, 256), nil); err == nil {
		t.Error("decrypting without a SessionKeyLen: no error")
	}
	if _, err := keyOf(t, token, testP256()).Decrypt(rand.Reader, make([]byte, 256), session); err == nil {
		t.Error("decrypting by an ECDSA key: no error")
	}
	session.SessionKeyLen = 246
	if _, err := k.Decrypt(rand.Reader, make([]byte, 256), session); err == nil {
		t.Error("decrypting to 246 bytes: no error")
	}
}

// A token that drops the leading zero of the bare RSA operation is understood, and a TPM's
// session, poisoned by a failed decryption, is not used again.
func TestDecryptingTokensWithHabits(t *testing.T) {
	f := newFake(testRSA())
	f.trim = true
	token := f.open(t, func(c *Config) { c.Workers = 1 })
	k := keyOf(t, token, testRSA())
	pub := testRSA().Public().(*rsa.PublicKey)
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	session := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: premasterLen}
	out, err := k.Decrypt(nil, encrypt(pub, padded(premaster, nil)), session)
	if err != nil || !bytes.Equal(out, premaster) {
		t.Errorf("without the leading zero: %d bytes, %v", len(out), err)
	}
	f.change(func() {
		f.fault = func(call string, s uint) error {
			if call == "Decrypt" {
				f.change(func() { f.sessions[s].poison = true; f.fault = nil })
				return GeneralError
			}
			return nil
		}
	})
	if _, err := k.Decrypt(nil, encrypt(pub, padded(premaster, nil)), session); !errors.Is(err, GeneralError) {
		t.Errorf("a decryption that fails: %v", err)
	}
	if out, err = k.Decrypt(nil, encrypt(pub, padded(premaster, nil)), session); err != nil || !bytes.Equal(out, premaster) {
		t.Errorf("after one that failed: %d bytes, %v", len(out), err)
	}
}
