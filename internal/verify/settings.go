// Package verify judges certificate chains: whether a peer's leads to something trusted, is
// for the name and the use in question and strong enough; whether one of ours is what a peer
// can take; and what a revocation list says.
//
// Building chains and checking signatures is left to crypto/x509. What it does not do is done
// here: limits before any signature is checked, the policy's preferences, key usage, a reason
// for each refusal, and an alert for the peer.
package verify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/policy"
)

// minRSABitsFIPS is the shortest modulus that FIPS 186-5, Section 5.1, approves of.
const minRSABitsFIPS = 2048

// DefaultMaxDepth is the number of certificates that a peer may send if Settings do not say.
const DefaultMaxDepth = 7

// Settings say how a peer's chain is judged. The zero value trusts the system's roots and
// restricts nothing beyond the defaults named below. Settings are only read, so that any
// number of connections may share them.
type Settings struct {
	// Roots are trusted, whether they are self-signed or not: a chain may end in an
	// intermediate, or be one trusted leaf. Nil stands for the system's.
	Roots *x509.CertPool

	// MaxDepth is the number of certificates that a peer may send, as in s2n; a root
	// that it leaves out does not count. 0 = DefaultMaxDepth.
	MaxDepth int

	// Now tells the time; nil = time.Now.
	Now func() time.Time

	// SkipStaple leaves OCSP responses that come with the chain to the application.
	SkipStaple bool

	// SkipTime leaves the dates of the chain out of account. A root that had expired
	// before any certificate below it was issued, and that the peer does not send, is
	// still refused.
	SkipTime bool

	// SkipIntent leaves key usage and extended key usage out of account.
	SkipIntent bool

	// KeyUsage is what the leaf's key must be allowed to do, unless the certificate has
	// no such extension; 0 = x509.KeyUsageDigitalSignature, which TLS 1.3 needs always
	// (RFC 8446, Section 4.4.2.2).
	KeyUsage x509.KeyUsage

	// SignatureSchemes are those that certificates of the chain may be signed with, a
	// self-signed root excepted, but not an intermediate that is trusted; nil = any. An
	// ECDSA scheme stands for its hash with any curve. Whatever it says, MD5 and SHA-1
	// are refused below what is trusted (RFC 8446, Section 4.4.2.4).
	SignatureSchemes []iana.SignatureScheme

	// Keys are those that certificates of the chain may hold, the root included; nil =
	// any.
	Keys []policy.CertificateKey

	// MinRSABits and MaxRSABits bound the RSA keys of the chain; 0 = 1024, or 2048 in FIPS
	// mode (GODEBUG=fips140=on), and 8192. Nothing is computed with a key above the maximum.
	MinRSABits, MaxRSABits int

	// CriticalExtensions are those that the application understands, so that they may be
	// critical in a certificate that the peer sends.
	CriticalExtensions []asn1.ObjectIdentifier

	// VerifyHost, if not nil, replaces the comparison with the server's name, and is
	// asked about clients too. It gets each DNS name, URI and IP address of the leaf's
	// subjectAltName as text until it accepts one; the common name if there is none of
	// these, unless it is an IP address; and "" if there is no name at all.
	VerifyHost func(name string) bool
}

// Server judges the chain of a server that was reached by name: a DNS name or an IP address,
// which may be in brackets. It is held against the subjectAltName alone, a wildcard standing
// for one whole label (RFC 6125); unlike in s2n a common name is no substitute, and no name
// means refusal unless VerifyHost is set. The chain is in the order it was sent, from
// certs.ParseChain. The result is the chain that was found valid, from the leaf up to what is
// trusted. Every error is an *Error.
func (s *Settings) Server(chain []*x509.Certificate, name string) ([]*x509.Certificate, error) {
	if err := s.checkInput(chain); err != nil {
		return nil, err
	}
	if err := s.checkServerName(chain[0], name); err != nil {
		return nil, err
	}
	return s.judge(chain, x509.ExtKeyUsageServerAuth)
}

// Client judges the chain of a client, like Server but without a name to compare: only
// VerifyHost looks at names, if it is set.
func (s *Settings) Client(chain []*x509.Certificate) ([]*x509.Certificate, error) {
	if err := s.checkInput(chain); err != nil {
		return nil, err
	}
	if s.VerifyHost != nil {
		if err := s.askHost(chain[0]); err != nil {
			return nil, err
		}
	}
	return s.judge(chain, x509.ExtKeyUsageClientAuth)
}

// checkInput keeps work on what a peer sent within bounds.
func (s *Settings) checkInput(chain []*x509.Certificate) error {
	depth := s.MaxDepth
	if depth == 0 {
		depth = DefaultMaxDepth
	}
	if len(chain) == 0 {
		return refuse(malformed, nil, "peer sent no certificate")
	}
	if len(chain) > depth {
		return refuse(tooDeep, nil, "peer's chain has %d certificates, %d are allowed", len(chain), depth)
	}
	if what := unsupported(chain[0]); what != "" {
		return refuse(unsupportedKey, nil, "certificate of %s holds a key that is not supported: %s", subject(chain[0]), what)
	}
	for _, cert := range chain {
		if pub, ok := cert.PublicKey.(*rsa.PublicKey); ok && pub.N.BitLen() > s.maxRSABits() {
			return refuse(weak, nil, "certificate of %s holds an RSA key of %d bits, more than %d",
				subject(cert), pub.N.BitLen(), s.maxRSABits())
		}
	}
	return nil
}

// judge finds a chain to something trusted that is also for the use and strong enough.
func (s *Settings) judge(sent []*x509.Certificate, usage x509.ExtKeyUsage) ([]*x509.Certificate, error) {
	candidates, err := s.build(sent)
	if err != nil {
		return nil, err
	}
	var first *Error
	for _, chain := range candidates {
		e := s.checkUsage(chain, usage)
		if e == nil {
			e = s.checkStrength(chain)
		}
		if e == nil {
			return chain, nil
		}
		if first == nil {
			first = e
		}
	}
	if first == nil {
		first = refuse(untrusted, nil, "the chain ends in nothing that is trusted")
	}
	return nil, first
}

func (s *Settings) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Settings) maxRSABits() int {
	if s.MaxRSABits != 0 {
		return s.MaxRSABits
	}
	return sig.MaxRSABits
}

func (s *Settings) minRSABits() int {
	if s.MinRSABits != 0 {
		return s.MinRSABits
	}
	if fips140.Enabled() {
		return minRSABitsFIPS
	}
	return sig.MinRSABits
}

// unsupported names a leaf's key that TLS is not done with here; "" if it is.
func unsupported(leaf *x509.Certificate) string {
	switch pub := leaf.PublicKey.(type) {
	case *rsa.PublicKey, ed25519.PublicKey:
		return ""
	case *ecdsa.PublicKey:
		if slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, pub.Curve) {
			return ""
		}
		return "ECDSA on " + pub.Curve.Params().Name
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(leaf.RawSubjectPublicKeyInfo, &info); err != nil {
		return "it cannot be read"
	}
	return "algorithm " + info.Algorithm.Algorithm.String()
}
