//go:build unix

package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tokens are the starters, with the keys that each token has.
var tokens = []struct {
	name  string
	start func(testing.TB, ...string) *Token
	keys  string
}{
	{"SoftHSM", SoftHSM, "rsa2048 rsa3072 p256 p384 p521 ed25519 ed25519-imported"},
	{"NSS", NSSToken, "rsa2048 rsa3072 p256 p384"},
	{"p11-kit", func(t testing.TB, names ...string) *Token { return NewP11Kit(t, SoftHSM(t, names...)).Token }, "rsa2048 p256"},
	{"TPM", TPM, "rsa2048 p256 p384"},
}

// TestTokens starts each token, lists the keys in it by pkcs11-tool, and verifies their certificates.
func TestTokens(t *testing.T) {
	SkipUnderRace(t)
	for _, test := range tokens {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names := strings.Fields(test.keys)
			tok := test.start(t, names...)
			// NSS wants more of its caller than pkcs11-tool has to give.
			if tok.Reserved == "" {
				cmd := exec.Command(Peer(t, "pkcs11-tool"), "--module", tok.Module, "--token-label", tok.Label,
					"--login", "--pin", TokenPIN, "--list-objects", "--type", "privkey")
				cmd.Env = Environment(tok.Env...)
				list := RunCommand(t, cmd)
				for _, name := range names {
					if !strings.Contains(list.Stdout, "label:      "+name+"\n") {
						t.Errorf("pkcs11-tool lists no key %s:\n%s%s", name, list.Stdout, list.Stderr)
					}
				}
			}
			for _, name := range names {
				if kind := kindOf(tok.Key(t, name).Public); !strings.HasPrefix(name, kind) {
					t.Errorf("the public key of %s is of kind %s", name, kind)
				}
			}
			pool := x509.NewCertPool()
			text, err := os.ReadFile(tok.CAFile)
			if err != nil || !pool.AppendCertsFromPEM(text) {
				t.Fatalf("the roots: %v", err)
			}
			for _, name := range names {
				leaf, err := x509.ParseCertificate(tok.Key(t, name).Chain[0])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: localhost}); err != nil {
					t.Errorf("the certificate of %s: %v", name, err)
				}
			}
		})
	}
}

// kindOf is what the names of such keys begin with.
func kindOf(public crypto.PublicKey) string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa%d", public.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("p%d", public.Params().BitSize)
	}
	return "ed25519"
}

// TestP11KitServer kills and halts the server of a token.
func TestP11KitServer(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	p := NewP11Kit(t, SoftHSM(t, "p256"))
	list := func() *Process {
		cmd := exec.Command(Peer(t, "pkcs11-tool"), "--module", p.Module, "--list-objects")
		cmd.Env = Environment(p.Env...)
		return StartCommand(t, cmd)
	}
	if got := list(); got.Exit(prompt) != 0 || !strings.Contains(got.Stdout(), "p256") {
		t.Errorf("pkcs11-tool said %s%s", got.Stdout(), got.Stderr())
	}
	p.Kill()
	if got := list(); got.Exit(prompt) == 0 {
		t.Errorf("with the server dead pkcs11-tool said %s%s", got.Stdout(), got.Stderr())
	}
	p.Start(t)
	p.Halt()
	waiting := list()
	p.Go()
	if waiting.Exit(prompt) != 0 || !strings.Contains(waiting.Stdout(), "p256") {
		t.Errorf("after a halt pkcs11-tool said %s%s", waiting.Stdout(), waiting.Stderr())
	}
}
