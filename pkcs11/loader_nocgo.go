//go:build !cgo

package pkcs11

import "errors"

// load needs cgo: a module is a C library.
func load(string) (library, error) {
	return nil, errors.New("pkcs11: this program was built without cgo, and modules are C libraries: build it with CGO_ENABLED=1")
}
