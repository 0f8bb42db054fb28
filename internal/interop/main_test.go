package interop

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := Main(m)
	if identitiesDir != "" {
		os.RemoveAll(identitiesDir)
	}
	os.Exit(code)
}
