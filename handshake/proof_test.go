package handshake

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// keeper is a key that keeps what it was given to sign, as one does that hands it to a token and gives up waiting.
type keeper struct {
	crypto.Signer
	kept *[][]byte
}

func (k keeper) Sign(random io.Reader, input []byte, opts crypto.SignerOpts) ([]byte, error) {
	*k.kept = append(*k.kept, input)
	return k.Signer.Sign(random, input, opts)
}

// What an application's key is given to sign stays as it is when the memory of the handshake is used again.
func TestKeysMayKeepWhatTheySign(t *testing.T) {
	for kind, scheme := range map[testpeer.KeyKind]iana.SignatureScheme{testpeer.KeyP256: iana.ECDSASecp256r1SHA256, testpeer.KeyEd25519: iana.Ed25519} {
		var kept [][]byte
		id := issue(t, kind)
		cert, err := certs.New(id.Chain, keeper{id.Key, &kept})
		if err != nil {
			t.Fatal(err)
		}
		m := NewServer(&Config{})
		m.begin()
		var want [][]byte
		for i := range byte(3) {
			message := append(m.work.signed[:0], bytes.Repeat([]byte{i}, 100)...)
			if sum := sha256.Sum256(message); scheme == iana.Ed25519 {
				want = append(want, bytes.Clone(message))
			} else {
				want = append(want, sum[:])
			}
			if _, err := m.signInline(cert, sig.Lookup(scheme), message); err != nil {
				t.Fatal(err)
			}
		}
		m.Close()
		for i := range want {
			if len(kept) != len(want) || !bytes.Equal(kept[i], want[i]) {
				t.Errorf("%v: %x was signed, and has become %x", scheme, want[i], kept[i])
			}
		}
	}
}
