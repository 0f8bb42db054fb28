package handshake

import (
	"crypto/x509"
	"io"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// ClientAuth says whether certificates of clients are wanted (s2n_cert_auth_type).
type ClientAuth uint8

// The modes. A server asks for a certificate unless the mode is NoClientAuth, and
// insists on one if it is RequireClientAuth. A client refuses to be asked if the mode is
// NoClientAuth, and insists on being asked if it is RequireClientAuth.
const (
	DefaultClientAuth ClientAuth = iota // NoClientAuth on a server, OptionalClientAuth on a client
	NoClientAuth
	OptionalClientAuth
	RequireClientAuth
)

// Config is what one side brings into a handshake, made by package conn from its own
// Config. It is shared by connections: read only.
type Config struct {
	MinVersion, MaxVersion iana.Version
	Suites                 []iana.CipherSuite // in order of preference
	ChaChaBoost            bool
	Groups                 policy.LocalGroups
	GroupOrder             []iana.Group           // all of Groups, as the client offers them
	KeyShares              []iana.Group           // for which a client sends shares at once
	Schemes                []iana.SignatureScheme // to sign with, and to verify with unless VerifySchemes are set
	VerifySchemes          []iana.SignatureScheme
	OfferedSchemes         []iana.SignatureScheme // signature_algorithms: what certificates may be signed with, too
	CertificateSchemes     []iana.SignatureScheme // signature_algorithms_cert; nil = not sent

	// RequireEMS refuses TLS 1.2 without extended_master_secret (FIPS 140-3 wants it).
	RequireEMS bool

	// TLS 1.2: schemes to sign with, and to verify with unless VerifySchemes12 are set, groups
	// in order of preference, parameters of a server for DHE (nil = RFC 7919).
	Schemes12       []iana.SignatureScheme
	VerifySchemes12 []iana.SignatureScheme
	Groups12        []iana.Group
	DHParams        *kex.DHParams

	Authorities     [][]byte // certificate_authorities: DER names; a client sends them in TLS 1.3 alone
	ALPN            []string
	IgnoreALPN      bool // server: no overlap is no error
	Certificates    *certs.Store
	OwnPolicy       *policy.Policy // for certificates that the application chooses; nil = none
	ClientAuth      ClientAuth
	Verify          *verify.Settings // nil = the peer's chain is not checked by us
	RequestOCSP     bool             // ask for a stapled response; a server does in TLS 1.3 alone
	RequestSCT      bool
	Validation      asyncpkey.ValidationMode
	VerifyAfterSign bool // inline signatures, too
	MaxCertificates int  // most bytes of a Certificate message; 0 = the default
	MaxChain        int  // most certificates in it, where more than 32 are welcome
	Fallback        bool // client: this handshake is a second try with less (RFC 7507)
	NoCompatibility bool // no middlebox compatibility mode; a server still answers a client that is in it
	NoRenegotiation bool // client: a HelloRequest ends the connection

	Resumption

	Asks   Questions
	KeyLog bool

	Now  func() time.Time
	Rand io.Reader // nil = crypto/rand; else the one source of every byte drawn (tests)
}

// verifies reports whether a signature of the peer may be of scheme id in version v.
func (cfg *Config) verifies(id iana.SignatureScheme, v iana.Version) bool {
	own, only := cfg.Schemes, cfg.VerifySchemes
	if v == iana.TLS12 {
		own, only = cfg.Schemes12, cfg.VerifySchemes12
	}
	if only != nil {
		own = only
	}
	return slices.Contains(own, id)
}

// SupportsGroup reports whether key exchange in group g is implemented and, in FIPS mode,
// approved.
func SupportsGroup(g iana.Group) bool {
	s := kex.Lookup(g)
	return s != nil && s.Usable()
}

// DHParams is a group for key exchange over finite fields.
type DHParams = kex.DHParams

// ParseDHParams reads the first DH PARAMETERS of a PEM file (PKCS #3).
func ParseDHParams(pem []byte) (*DHParams, error) { return kex.ParsePKCS3(pem) }

// SupportsDHE reports whether key exchange over finite fields may be negotiated: not in
// FIPS mode.
func SupportsDHE() bool { return kex.DHEUsable() }

// SupportsScheme reports whether signatures of scheme id are implemented for version v
// and, in FIPS mode, approved.
func SupportsScheme(id iana.SignatureScheme, v iana.Version) bool {
	s := sig.Lookup(id)
	return s != nil && s.Usable() && (v == iana.TLS13 && s.TLS13 || v == iana.TLS12 && s.TLS12)
}

// Verdict is an application's judgement. Its zero value accepts.
type Verdict struct{ reason error }

// Reject returns a Verdict that ends the handshake. The peer is told reason's alert, if
// it has a method Alert() iana.Alert, else access_denied for a certificate and
// decrypt_error for a signature. reason stands in the chain of Negotiate's error.
func Reject(reason error) Verdict {
	if reason == nil {
		reason = errRejected
	}
	return Verdict{reason}
}

// Rejected returns the reason, or nil if the verdict accepts.
func (v Verdict) Rejected() error { return v.reason }

// ReceivedHello is a ClientHello while the application chooses a Config by it. Both
// fields are lent until it has answered.
type ReceivedHello struct {
	Hello   wire.ClientHello
	Message []byte // whole, with its header
}

// PeerChain is what is known of the peer's certificates when the application is asked
// about them. Shared: read only.
type PeerChain struct {
	Certificates []*x509.Certificate // as the peer sent them, leaf first
	Verified     []*x509.Certificate // the chain to a root; nil if Config does not verify
	OCSPResponse []byte              // stapled to the leaf, or nil
	SCTList      []byte              // of the leaf, or nil
}

// CertificateRequest is what a server said of the certificate it wants (RFC 8446,
// Section 4.3.2).
type CertificateRequest struct {
	Schemes            []iana.SignatureScheme // for CertificateVerify
	CertificateSchemes []iana.SignatureScheme // for signatures on certificates; nil = as Schemes
	Authorities        [][]byte               // DER distinguished names; empty = any
}

// SignatureCheck is a signature of the peer that waits to be verified. Verify does the
// work; it may be called on any goroutine.
type SignatureCheck struct {
	Scheme    iana.SignatureScheme
	PublicKey any    // of the peer's leaf
	Message   []byte // the signed content
	Signature []byte
}
