//go:build unix

package interop

import (
	"crypto"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// softHSMKeys are the keys of a SoftHSM token. Those with a type for pkcs11-tool are made in it; the
// others are imported. The two ways leave different encodings of Ed25519's public key.
var softHSMKeys = []struct {
	name string
	made string
	kind testpeer.KeyKind
}{
	{"rsa2048", "rsa:2048", 0},
	{"rsa3072", "", testpeer.KeyRSA3072},
	{"p256", "EC:prime256v1", 0},
	{"p256-imported", "", testpeer.KeyP256},
	{"p384", "", testpeer.KeyP384},
	{"p521", "", testpeer.KeyP521},
	{"ed25519", "EC:edwards25519", 0},
	{"ed25519-imported", "", testpeer.KeyEd25519},
}

// SoftHSM makes a token of SoftHSM 2 with the keys that are named, or with all of them if none is:
// rsa2048, rsa3072, p256, p256-imported, p384, p521, ed25519, ed25519-imported. It holds a certificate for p256 too.
// The module reads its configuration once, in C_Initialize.
func SoftHSM(t testing.TB, names ...string) *Token {
	t.Helper()
	tok := newToken(t, Peer(t, "softhsm"), TokenLabel)
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tok.dir)
	tok.Env = []string{"SOFTHSM2_CONF=" + tok.write(t, "softhsm2.conf", []byte(conf))}
	util := Peer(t, "softhsm2-util")
	tok.run(t, util, "--init-token", "--free", "--label", tok.Label, "--so-pin", "12345678", "--pin", TokenPIN)
	for i, key := range softHSMKeys {
		if len(names) > 0 && !slices.Contains(names, key.name) {
			continue
		}
		id := []byte{0xa0 + byte(i)}
		var public crypto.PublicKey
		if key.made != "" {
			tok.tool(t, "--keypairgen", "--key-type", key.made, "--id", idText(id), "--label", key.name)
			public = tok.public(t, key.name)
		} else {
			signer, file := tok.newKeyFile(t, key.name, key.kind)
			tok.run(t, util, "--import", file, "--token", tok.Label, "--label", key.name, "--id", idText(id), "--pin", TokenPIN)
			public = signer.Public()
		}
		tok.certify(t, key.name, id, public)
		if key.name == "p256" {
			tok.tool(t, "--write-object", tok.certDER(t, key.name), "--type", "cert", "--id", idText(id), "--label", key.name)
		}
	}
	return tok
}

// TokenFiles returns the folder of a SoftHSM token's objects, for a test that takes the token away.
func (tok *Token) TokenFiles(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tok.dir, "*", "token.object"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d tokens in %s: %v", len(found), tok.dir, err)
	}
	return filepath.Dir(found[0])
}
