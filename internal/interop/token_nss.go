//go:build unix

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// nssTokenKeys are the keys of an NSS token.
var nssTokenKeys = []struct {
	name string
	kind testpeer.KeyKind
}{
	{"rsa2048", testpeer.KeyRSA2048},
	{"rsa3072", testpeer.KeyRSA3072},
	{"p256", testpeer.KeyP256},
	{"p384", testpeer.KeyP384},
}

// NSSToken makes a database of NSS as a token of its softokn, with the keys that are named, or with all
// if none is: rsa2048, rsa3072, p256, p384. It is a slow one: 45 ms for a signature with RSA. Certificates
// are in the token as well, and NSS chose CKA_ID.
func NSSToken(t testing.TB, names ...string) *Token {
	t.Helper()
	tok := newToken(t, Peer(t, "softokn"), "NSS Certificate DB")
	dir := filepath.Join(tok.dir, "db")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	database := "sql:" + dir
	tok.Reserved = fmt.Sprintf("configdir='%s' certPrefix='' keyPrefix='' secmod='' flags=", database)
	tok.run(t, Peer(t, "certutil"), "-N", "-d", database, "-f", tok.PINFile)
	for _, key := range nssTokenKeys {
		if len(names) > 0 && !slices.Contains(names, key.name) {
			continue
		}
		signer, file := tok.newKeyFile(t, key.name, key.kind)
		cert := tok.certify(t, key.name, nil, signer.Public())
		bag := filepath.Join(tok.dir, key.name+".p12")
		tok.run(t, Peer(t, "openssl"), "pkcs12", "-export", "-in", cert.CertFile, "-inkey", file, "-name", key.name,
			"-out", bag, "-passout", "pass:secret")
		tok.run(t, Peer(t, "pk12util"), "-i", bag, "-d", database, "-W", "secret", "-k", tok.PINFile)
	}
	return tok
}
