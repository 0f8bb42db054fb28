package pkcs11

import (
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// tokens is SoftHSM's folder, for the whole test process: the module reads its path once.
var tokens struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if tokens.dir != "" {
		os.RemoveAll(tokens.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}
