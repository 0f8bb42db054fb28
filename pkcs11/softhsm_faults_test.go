//go:build cgo

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/interop"
)

// importKey puts a key made here into a SoftHSM token, and its certificate if cert is not nil.
func importKey(t testing.TB, label, id string, key crypto.Signer, cert *x509.Certificate) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "key.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runs(interop.Peer(t, "softhsm2-util"), "--import", file, "--token", label, "--label", "imported "+id,
		"--id", id, "--pin", softHSMPIN); err != nil {
		t.Fatalf("importing a key: %v\n%s", err, out)
	}
	if cert == nil {
		return
	}
	file = filepath.Join(dir, "cert.der")
	if err := os.WriteFile(file, cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runs(interop.Peer(t, "pkcs11-tool"), "--module", softHSMModule, "--token-label", label, "--login", "--pin", softHSMPIN,
		"--write-object", file, "--type", "cert", "--id", id, "--label", "site"); err != nil {
		t.Fatalf("writing a certificate: %v\n%s", err, out)
	}
}

// SoftHSM has two encodings of Ed25519 keys, one for those it made and one for those it was given.
func TestSoftHSMEd25519InBothEncodings(t *testing.T) {
	label := softHSM(t, "EC:edwards25519")
	importKey(t, label, "a1", testEd(), nil)
	token := openSoftHSM(t, label)
	keys, err := token.Keys()
	if err != nil || len(keys) != 2 {
		t.Fatalf("the keys are %v, %v", keys, err)
	}
	for _, k := range keys {
		out, err := perform(t, token.Handle, asyncpkey.Request{
			Kind: asyncpkey.Sign, Scheme: iana.Ed25519, Message: signedMessage, PublicKey: k.Public(), Mode: asyncpkey.Strict,
		})
		if err != nil || !ed25519.Verify(k.Public().(ed25519.PublicKey), signedMessage, out) {
			t.Errorf("%v: %v", k, err)
		}
	}
	if _, err := token.KeyOf(testEd().Public()); err != nil {
		t.Errorf("finding the imported key: %v", err)
	}
}

// Two keys and their certificates in one token: each certificate finds its key.
func TestSoftHSMKeysOfCertificates(t *testing.T) {
	label := softHSM(t)
	importKey(t, label, "a1", testRSA(), certificateFor(t, testRSA()))
	importKey(t, label, "a2", testP256(), certificateFor(t, testP256()))
	token := openSoftHSM(t, label)
	chain, err := token.Certificates("pkcs11:object=site")
	if err != nil || len(chain) != 2 {
		t.Fatalf("the certificates are %v, %v", chain, err)
	}
	for _, c := range chain {
		scheme := iana.ECDSASecp256r1SHA256
		if _, ok := c.PublicKey.(*rsa.PublicKey); ok {
			scheme = iana.RSAPSSRSAESHA256
		}
		if _, err := perform(t, token.Handle, asyncpkey.Request{
			Kind: asyncpkey.Sign, Scheme: scheme, Message: signedMessage, Certificate: c, PublicKey: c.PublicKey, Mode: asyncpkey.Strict,
		}); err != nil {
			t.Errorf("%v for the certificate of a %T: %v", scheme, c.PublicKey, err)
		}
	}
	if _, err := perform(t, token.Handle, asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp384r1SHA384, Message: signedMessage, PublicKey: testP384().Public(),
	}); !errors.Is(err, ErrNoKey) {
		t.Errorf("signing for a certificate whose key is elsewhere: %v", err)
	}
}

func TestSoftHSMAlwaysAuthenticate(t *testing.T) {
	label := softHSM(t)
	if out, err := runs(interop.Peer(t, "pkcs11-tool"), "--module", softHSMModule, "--token-label", label, "--login", "--pin", softHSMPIN,
		"--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "careful", "--always-auth"); err != nil {
		t.Fatalf("making a key: %v\n%s", err, out)
	}
	var mu sync.Mutex
	asked, pin := 0, softHSMPIN
	token := openSoftHSM(t, label, func(c *Config) {
		c.PIN = func(r PINRequest) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if r.Key == "careful" {
				asked++
			}
			return []byte(pin), nil
		}
	})
	k, err := token.Key("")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := signs(t, k); err != nil {
			t.Errorf("signing: %v", err)
		}
	}
	if asked != 3 {
		t.Errorf("the PIN was asked for %d times, want once for each of 3 signatures", asked)
	}
	pin = "wrong"
	for range 2 {
		if err := signs(t, k); !errors.Is(err, ErrPINRefused) {
			t.Errorf("signing with a wrong PIN: %v", err)
		}
	}
	if asked != 4 {
		t.Errorf("a refused PIN was asked for %d times", asked-3)
	}
}

func TestSoftHSMWrongPIN(t *testing.T) {
	label := softHSM(t)
	asked := 0
	_, err := Open(Config{
		Module: softHSMModule, URI: "pkcs11:token=" + escape(label, ";"),
		PIN: func(PINRequest) ([]byte, error) { asked++; return []byte("9999"), nil },
	})
	if !errors.Is(err, ErrPINRefused) || !errors.Is(err, PINIncorrect) || asked != 1 {
		t.Errorf("opening asked %d times for the PIN and ended with %v", asked, err)
	}
	if _, err = Open(Config{Module: softHSMModule, URI: "pkcs11:token=none"}); err == nil || !strings.Contains(err.Error(), label) {
		t.Errorf("opening a token that is not there: %v", err)
	}
}

// While its folder is away, the token fails; when it is back, the token works, in one process.
func TestSoftHSMTokenRemovedAndBack(t *testing.T) {
	label := softHSM(t, "EC:prime256v1")
	token := openSoftHSM(t, label, func(c *Config) { c.RetryMax = 100 * time.Millisecond })
	k, err := token.Key("")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(tokens.dir, "tokens")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	failed := errors.Join(signs(t, k), signs(t, k))
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if failed == nil {
		t.Error("signed without a token")
	}
	eventually(t, "signing with the token back", func() bool { return signs(t, k) == nil })
}

// Sixteen goroutines sign while the module is set up anew under them, again and again: what is
// signed verifies, and the process lives.
func TestSoftHSMIsSetUpAnewUnderLoad(t *testing.T) {
	label := softHSM(t, "EC:prime256v1", "EC:prime256v1")
	token := openSoftHSM(t, label)
	k1, k2 := must(token.Key("pkcs11:id=%01")), must(token.Key("pkcs11:id=%02"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 16 {
		k := []*Key{k1, k2}[i%2]
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = signs(t, k) // which checks what it gets
				}
			}
		})
	}
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		if err := token.m.reinitialize(token.m.generation(time.Second), 5*time.Second); err != nil && !errors.Is(err, errStale) {
			t.Errorf("setting the module up anew: %v", err)
		}
	}
	close(stop)
	wg.Wait()
	eventually(t, "signing after all of it", func() bool { return signs(t, k1) == nil && signs(t, k2) == nil })
	if m := token.Metrics(); m.Done < 50 || m.Stuck != 0 {
		t.Errorf("the metrics are %+v", m)
	}
}

func TestLibraryThatIsNoModule(t *testing.T) {
	libc, err := filepath.Glob("/lib/*/libc.so.6")
	if err != nil || len(libc) == 0 {
		t.Fatalf("there is no C library: %v", err)
	}
	if _, err := Open(Config{Module: libc[0]}); err == nil || !strings.Contains(err.Error(), "has no C_GetFunctionList") {
		t.Errorf("opening the C library: %v", err)
	}
}

func BenchmarkSoftHSM(b *testing.B) {
	token := openSoftHSM(b, softHSM(b, "EC:prime256v1"))
	k, err := token.Key("")
	if err != nil {
		b.Fatal(err)
	}
	digest := make([]byte, 32)
	b.Run("P256", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				out, err := k.Sign(nil, digest, crypto.SHA256)
				if err != nil || !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest, out) {
					b.Error(err)
				}
			}
		})
	})
}
