// Package testvectors holds what published documents say the right answers are: README.md lists
// the files and where each comes from. Only tests import it.
package testvectors

import (
	"embed"
	"fmt"
)

//go:embed rfc8448 kdf ffdhe
var files embed.FS

// sections are the files of RFC 8448, by section.
var sections = map[int]string{
	2: "rfc8448/2-private-keys.txt",
	3: "rfc8448/3-simple-1rtt.txt",
	4: "rfc8448/4-resumed-0rtt.txt",
	5: "rfc8448/5-hello-retry-request.txt",
	6: "rfc8448/6-client-authentication.txt",
	7: "rfc8448/7-compatibility-mode.txt",
}

// RFC8448 returns section 3, 4, 5, 6 or 7 of RFC 8448, "Example Handshake Traces for TLS 1.3", or section 2,
// the RSA key of its server, in one step without a Who.
func RFC8448(section int) (Trace, error) {
	name, ok := sections[section]
	if !ok {
		return nil, fmt.Errorf("testvectors: RFC 8448 has no trace in section %d", section)
	}
	return read(name)
}

// RFC5869 returns the SHA-256 test cases of RFC 5869, Appendix A: a step per case, with the values IKM,
// salt, info, PRK and OKM, whose length is L.
func RFC5869() (Trace, error) { return read("kdf/rfc5869.txt") }

// TLS12PRF returns answers of the PRF of TLS 1.2: a step per answer, whose What begins with the name of the hash
// and whose Label is the PRF's, with the values Secret, Seed and Output.
func TLS12PRF() (Trace, error) { return read("kdf/tls12-prf.txt") }

// FFDHE returns agreements in the groups of RFC 7919: a step per agreement, whose What begins with the name of the
// group, with the values client exponent, client public value, server exponent, server public value and secret.
func FFDHE() (Trace, error) { return read("ffdhe/openssl.txt") }

func read(name string) (Trace, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("testvectors: %w", err)
	}
	t, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("testvectors: %s: %w", name, err)
	}
	return t, nil
}
