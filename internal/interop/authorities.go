package interop

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// authoritySeed makes keys that anyone can make again, and at once.
var authoritySeed = []byte("interop")

// authorityKinds are the kinds of authorities that certify the keys of tokens.
var authorityKinds = []testpeer.KeyKind{testpeer.KeyRSA2048, testpeer.KeyP256}

// authorityOptions describes the one authority of a name and a kind.
func authorityOptions(key testpeer.KeyKind, name string) testpeer.AuthorityOptions {
	return testpeer.AuthorityOptions{Key: key, Name: fmt.Sprintf("%s %v", name, key), Seed: authoritySeed}
}

// authorityFor returns the trusted authority of a kind, the same one in every process.
func authorityFor(t testing.TB, kind testpeer.KeyKind) *testpeer.Authority {
	t.Helper()
	authority, err := testpeer.NewAuthority(authorityOptions(kind, "test authority"))
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func isRSA(public crypto.PublicKey) bool {
	_, ok := public.(*rsa.PublicKey)
	return ok
}
