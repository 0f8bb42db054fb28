package conn

import (
	"errors"
	"fmt"
)

// maxAuthorities bounds the names of authorities, with the two bytes of length of each: s2n's
// limit.
const maxAuthorities = 20000

// authorities returns the names to send, in DER.
func (cfg *Config) authorities() ([][]byte, error) {
	names := cfg.CertificateAuthorities
	if cfg.CertificateAuthoritiesFromRoots {
		switch {
		case names != nil:
			return nil, errors.New("both CertificateAuthorities and CertificateAuthoritiesFromRoots are set")
		case cfg.RootCAs == nil:
			return nil, errors.New("CertificateAuthoritiesFromRoots without RootCAs: the names of the system's roots are not known")
		}
		//lint:ignore SA1019 what it lacks is the system's roots, of which there are none here
		if names = cfg.RootCAs.Subjects(); len(names) == 0 {
			return nil, errors.New("CertificateAuthoritiesFromRoots with RootCAs that are empty")
		}
	}
	size := 0
	for i, name := range names {
		if len(name) == 0 {
			return nil, fmt.Errorf("certificate authority %d has an empty name", i)
		}
		size += 2 + len(name)
	}
	if size > maxAuthorities {
		return nil, fmt.Errorf("the names of %d certificate authorities have %d bytes, more than %d", len(names), size, maxAuthorities)
	}
	return names, nil
}
