package policy

import (
	"fmt"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// What is implemented is known to packages that this one does not import. What a Builder
// needs of it is here; tests of package conn hold the two together.

// whyNotSuite returns why no handshake uses s, or "". All suites with a name are
// implemented, but for what no version allows.
func whyNotSuite(s iana.CipherSuite) string {
	switch {
	case s == iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV || s == iana.TLS_FALLBACK_SCSV:
		return "it is a signal and no cipher suite"
	case !suiteFits(s, iana.TLS12) && !suiteFits(s, iana.TLS13):
		return "RC4 is never negotiated (RFC 7465)"
	case !strings.HasPrefix(s.String(), "TLS_"):
		return whyUnused(s)
	}
	return ""
}

// whyNotScheme returns why no handshake is signed with s, or "".
func whyNotScheme(s iana.SignatureScheme) string {
	switch s {
	case iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512, iana.Ed25519,
		iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512,
		iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512,
		iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512,
		iana.ECDSASHA224, iana.RSAPKCS1SHA224, iana.ECDSASHA1, iana.RSAPKCS1SHA1:
		return ""
	}
	return whyUnused(s)
}

// whyNotCertificateScheme returns why no certificate may be signed with s, or "".
func whyNotCertificateScheme(s iana.SignatureScheme) string {
	if isShortHash(s) {
		return "no certificate may be signed with its hash"
	}
	return whyNotScheme(s)
}

// isShortHash reports whether s signs a hash of SHA-1 or SHA-224.
func isShortHash(s iana.SignatureScheme) bool {
	switch s {
	case iana.ECDSASHA224, iana.RSAPKCS1SHA224, iana.ECDSASHA1, iana.RSAPKCS1SHA1:
		return true
	}
	return false
}

// whyNotKey returns why no certificate may hold a key of type k, or "".
func whyNotKey(k CertificateKey) string {
	switch {
	case k == KeyMLDSA87:
		return "it is not implemented"
	case k < KeyRSA1024 || k > KeyMLDSA87:
		return "it is not known"
	}
	return ""
}

// whyNotGroup returns why there is no key exchange in g, or "".
func whyNotGroup(g iana.Group) string {
	switch g {
	case iana.X25519, iana.Secp256r1, iana.Secp384r1, iana.Secp521r1, iana.MLKEM1024,
		iana.X25519MLKEM768, iana.SecP256r1MLKEM768, iana.SecP384r1MLKEM1024:
		return ""
	case iana.FFDHE2048, iana.FFDHE3072, iana.FFDHE4096, iana.FFDHE6144, iana.FFDHE8192:
		return "finite fields are not negotiated as groups: DHE suites bring them along"
	}
	return whyUnused(g)
}

// whyUnused tells what is known by a name from what has a number only.
func whyUnused(e fmt.Stringer) string {
	if name := e.String(); strings.HasPrefix(name, "0x") || strings.HasPrefix(name, "GREASE(") {
		return "it is not known"
	}
	return "it is not implemented"
}
