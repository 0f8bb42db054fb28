//go:build cgo

package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/interop"
)

const (
	softHSMModule = "/usr/lib/softhsm/libsofthsm2.so"
	softHSMPIN    = "1234"
)

// made counts tokens, for their names.
var made atomic.Int64

// runs runs one of the token programs.
func runs(path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(out), err
}

// softHSM makes a token of its own with the given keys, types as pkcs11-tool calls them, and
// returns its label. The key of type i has the ID i+1 and its type as label.
func softHSM(t testing.TB, keys ...string) string {
	t.Helper()
	util, tool := interop.Peer(t, "softhsm2-util"), interop.Peer(t, "pkcs11-tool")
	tokens.once.Do(func() {
		if tokens.dir, tokens.err = os.MkdirTemp("", "softhsm"); tokens.err != nil {
			return
		}
		conf := filepath.Join(tokens.dir, "softhsm2.conf")
		os.Setenv("SOFTHSM2_CONF", conf)
		tokens.err = errors.Join(os.Mkdir(filepath.Join(tokens.dir, "tokens"), 0o700), os.WriteFile(conf,
			[]byte("directories.tokendir = "+tokens.dir+"/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600))
	})
	if tokens.err != nil {
		t.Fatal(tokens.err)
	}
	label := fmt.Sprintf("token %d", made.Add(1))
	if out, err := runs(util, "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", softHSMPIN); err != nil {
		t.Fatalf("making a token: %v\n%s", err, out)
	}
	for i, key := range keys {
		if out, err := runs(tool, "--module", softHSMModule, "--token-label", label, "--login", "--pin", softHSMPIN,
			"--keypairgen", "--key-type", key, "--id", fmt.Sprintf("%02x", i+1), "--label", key); err != nil {
			t.Fatalf("making a %s key: %v\n%s", key, err, out)
		}
	}
	return label
}

// openSoftHSM opens the token of that label.
func openSoftHSM(t testing.TB, label string, change ...func(*Config)) *Token {
	t.Helper()
	cfg := Config{
		Module: softHSMModule, URI: "pkcs11:token=" + escape(label, ";"),
		PIN: func(PINRequest) ([]byte, error) { return []byte(softHSMPIN), nil },
	}
	for _, f := range change {
		f(&cfg)
	}
	token, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Errorf("closing the token: %v", err)
		}
	})
	return token
}

var signedMessage = []byte("what a CertificateVerify signs")

// Every scheme that SoftHSM can do signs through an operation, and what it signs verifies: the
// operation is performed by the standard library's view of the public key.
func TestSoftHSMSignsEveryScheme(t *testing.T) {
	label := softHSM(t, "rsa:2048", "rsa:3072", "EC:prime256v1", "EC:secp384r1", "EC:secp521r1", "EC:edwards25519")
	token := openSoftHSM(t, label)
	keys, err := token.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 6 {
		t.Fatalf("the token has keys %v, want 6", keys)
	}
	signed := map[iana.SignatureScheme]bool{}
	for _, k := range keys {
		for _, scheme := range k.SignatureSchemes() {
			r := asyncpkey.Request{
				Kind: asyncpkey.Sign, Scheme: scheme, Message: signedMessage, PublicKey: k.Public(),
				Role: asyncpkey.Server, Mode: asyncpkey.Strict,
			}
			if _, err := asyncpkey.NewOp(r); err != nil {
				continue // a PSS scheme for keys of another kind of certificate
			}
			if _, err := perform(t, token.Handle, r); err != nil {
				t.Errorf("%v by %v: %v", scheme, k, err)
			}
			signed[scheme] = true
		}
	}
	for _, want := range []iana.SignatureScheme{
		iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512,
		iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512,
		iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512, iana.Ed25519,
	} {
		if !signed[want] {
			t.Errorf("nothing was signed by %v", want)
		}
	}
}

func TestSoftHSMDecrypts(t *testing.T) {
	token := openSoftHSM(t, softHSM(t, "rsa:2048"))
	k, err := token.Key("pkcs11:object=rsa%3A2048")
	if err != nil {
		t.Fatal(err)
	}
	pub := k.Public().(*rsa.PublicKey)
	secret := make([]byte, premasterLen)
	rand.Read(secret)
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	ciphertext, err := rsa.EncryptPKCS1v15(rand.Reader, pub, secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, handle := range map[string]func(*asyncpkey.Op, func(*asyncpkey.Op) error) error{
		"by the token": token.Handle, "by the key": k.Handle,
	} {
		out, err := perform(t, handle, asyncpkey.Request{Kind: asyncpkey.Decrypt, Ciphertext: ciphertext, PublicKey: pub})
		if err != nil || string(out) != string(secret) {
			t.Errorf("%s: decrypted to %d bytes, %v", name, len(out), err)
		}
	}
	//lint:ignore SA1019 the same
	out, err := k.Decrypt(nil, ciphertext, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: premasterLen})
	if err != nil || string(out) != string(secret) {
		t.Errorf("as a crypto.Decrypter: decrypted to %d bytes, %v", len(out), err)
	}
}

// A Key signs wherever a crypto.Signer does.
func TestSoftHSMKeyIsASigner(t *testing.T) {
	token := openSoftHSM(t, softHSM(t, "EC:prime256v1"))
	k, err := token.Key("pkcs11:id=%01")
	if err != nil {
		t.Fatal(err)
	}
	var signer crypto.Signer = k
	digest := make([]byte, 32)
	out, err := signer.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest, out) {
		t.Error("the signature does not verify")
	}
}
