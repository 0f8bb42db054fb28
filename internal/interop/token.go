//go:build unix

package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TokenPIN is the PIN of every token here, TokenLabel the label of those that can be named.
const (
	TokenPIN   = "Pin-of-tests"
	TokenLabel = "eco"
)

// A Token is a token in a real PKCS #11 module with keys, and certificates that the tests'
// authorities have issued for them. Its processes and files are gone when the test is over.
type Token struct {
	// Module is the module's file, and Reserved what its C_Initialize wants in pReserved
	// (NSS), or "".
	Module, Reserved string
	Label            string
	PINFile          string
	// Env is what a program that loads the module needs in its environment, as NAME=VALUE.
	Env []string
	// CAFile holds the roots of all the certificates, PEM.
	CAFile string
	// Keys are the token's keys by name, which is also their CKA_LABEL.
	Keys map[string]*TokenKey

	dir string
}

// A TokenKey is a key pair in a token.
type TokenKey struct {
	ID     []byte // CKA_ID, where the maker knows it
	Public crypto.PublicKey
	// Chain is a certificate for localhost with this key, DER, leaf first. CertFile is the same
	// in PEM.
	Chain    [][]byte
	CertFile string
}

// URI returns the RFC 7512 URI of the token, or of one key in it unless key is "".
func (tok *Token) URI(key string) string {
	uri := "pkcs11:token=" + strings.ReplaceAll(tok.Label, " ", "%20")
	if key != "" {
		uri += ";object=" + key
	}
	return uri
}

// Key returns a key by its name.
func (tok *Token) Key(t testing.TB, name string) *TokenKey {
	t.Helper()
	key := tok.Keys[name]
	if key == nil {
		t.Fatalf("the token %s has no key %s", tok.Label, name)
	}
	return key
}

// Setenv puts Env into this process's environment, for a module that the test itself loads. Modules
// read it when they are initialized.
func (tok *Token) Setenv(t testing.TB) {
	t.Helper()
	for _, variable := range tok.Env {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// newToken makes the folder of a token. Its name is short, for sockets in it.
func newToken(t testing.TB, module, label string) *Token {
	t.Helper()
	dir, err := os.MkdirTemp("", "s2ngo-token-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	tok := &Token{Module: module, Label: label, PINFile: filepath.Join(dir, "pin"),
		CAFile: filepath.Join(dir, "ca.pem"), Keys: map[string]*TokenKey{}, dir: dir}
	tok.write(t, "pin", []byte(TokenPIN+"\n"))
	var roots []byte
	for _, kind := range authorityKinds {
		roots = append(roots, authorityFor(t, kind).RootPEM()...)
	}
	tok.write(t, "ca.pem", roots)
	return tok
}

// write writes a file into the token's folder and returns its path.
func (tok *Token) write(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(tok.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a program in the token's environment and fails the test unless it succeeds.
func (tok *Token) run(t testing.TB, command string, args ...string) Result {
	t.Helper()
	cmd := exec.Command(command, args...)
	cmd.Env = Environment(tok.Env...)
	got := RunCommand(t, cmd)
	if got.Code != 0 {
		t.Fatalf("%v ended with %d: %s%s", cmd, got.Code, got.Stdout, got.Stderr)
	}
	return got
}

// tool runs pkcs11-tool with the module, logged in.
func (tok *Token) tool(t testing.TB, args ...string) Result {
	t.Helper()
	return tok.run(t, Peer(t, "pkcs11-tool"), append([]string{"--module", tok.Module, "--token-label", tok.Label,
		"--login", "--pin", TokenPIN}, args...)...)
}

// certify issues the certificate of a key, and gives the token one too if it takes any.
func (tok *Token) certify(t testing.TB, name string, id []byte, public crypto.PublicKey) *TokenKey {
	t.Helper()
	kind := testpeer.KeyP256
	if isRSA(public) {
		kind = testpeer.KeyRSA2048
	}
	issued, err := authorityFor(t, kind).Issue(testpeer.Template{CommonName: tok.Label + " " + name, DNSNames: []string{"localhost"},
		PrivateKey: publicOnly{public}})
	if err != nil {
		t.Fatal(err)
	}
	key := &TokenKey{ID: id, Public: public, Chain: issued.Chain, CertFile: tok.write(t, name+".pem", issued.CertPEM())}
	tok.Keys[name] = key
	return key
}

// public reads the public key of that label from the token by pkcs11-tool. That writes points of no
// curve but P-256, and so it is made to print them.
func (tok *Token) public(t testing.TB, label string) crypto.PublicKey {
	t.Helper()
	for listed := range strings.SplitSeq(tok.tool(t, "--list-objects", "--type", "pubkey").Stdout, "Public Key Object") {
		point := regexp.MustCompile(`EC_POINT: +([0-9a-f]+)`).FindStringSubmatch(listed)
		if point == nil || !strings.Contains(listed, "label:      "+label+"\n") {
			continue
		}
		public, err := pointKey(point[1])
		if err != nil {
			t.Fatalf("the public key %s in\n%s: %v", label, listed, err)
		}
		return public
	}
	path := filepath.Join(tok.dir, "public")
	tok.tool(t, "--read-object", "--type", "pubkey", "--label", label, "--output-file", path)
	der, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatalf("the public key %s: %v", label, err)
	}
	return public
}

// pointKey returns the public key whose CKA_EC_POINT, an OCTET STRING, is printed in hex.
func pointKey(text string) (crypto.PublicKey, error) {
	der, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var point []byte
	if _, err := asn1.Unmarshal(der, &point); err != nil {
		return nil, err
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if len(point) == 1+2*((curve.Params().BitSize+7)/8) {
			return ecdsa.ParseUncompressedPublicKey(curve, point)
		}
	}
	if len(point) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a point of %d bytes", len(point))
	}
	return ed25519.PublicKey(point), nil
}

// newKeyFile makes a key pair for import and a file of it, PKCS #8 in PEM.
func (tok *Token) newKeyFile(t testing.TB, name string, kind testpeer.KeyKind) (crypto.Signer, string) {
	t.Helper()
	made, err := testpeer.SelfSigned(authoritySeed, testpeer.Template{CommonName: name, Key: kind})
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	return made.Key, tok.write(t, name+".key", text)
}

// certDER writes the leaf's certificate as DER.
func (tok *Token) certDER(t testing.TB, name string) string {
	t.Helper()
	return tok.write(t, name+".der", tok.Keys[name].Chain[0])
}

// idText is how programs want a CKA_ID.
func idText(id []byte) string { return hex.EncodeToString(id) }

// publicOnly is the public half of a key that is elsewhere.
type publicOnly struct{ public crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.public }

func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, fmt.Errorf("interop: the private key is in a token")
}
