package conn

import (
	"crypto/x509"
	"io"
	"sync/atomic"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/policy"
)

// ClientAuth says whether certificates of clients are wanted (s2n_cert_auth_type).
type ClientAuth = handshake.ClientAuth

// The modes of client authentication. DefaultClientAuth is NoClientAuth on a server
// and OptionalClientAuth on a client. A server asks for a certificate unless the mode is
// NoClientAuth, and insists on one if it is RequireClientAuth. A client refuses to be asked
// if it is NoClientAuth, and insists on being asked if it is RequireClientAuth.
const (
	DefaultClientAuth  = handshake.DefaultClientAuth
	NoClientAuth       = handshake.NoClientAuth
	OptionalClientAuth = handshake.OptionalClientAuth
	RequireClientAuth  = handshake.RequireClientAuth
)

// Config is what connections are made from. The zero Config is a client's, with policy
// "default" and the system's roots. It is frozen by the first connection that uses it:
// change nothing then, but a Clone. Any number of connections on any goroutines may
// share it.
type Config struct {
	// Policy is the name of a security policy (s2n_config_set_cipher_preferences); "" is
	// "default". Package policy has them all.
	Policy string

	// SecurityPolicy, if not nil, is a policy of the application's own instead: what a
	// policy.Builder built, or a copy that policy.Lookup returned, changed, with a name of its
	// own. The rules it claims have to hold. It is read once.
	SecurityPolicy *policy.Policy

	// MinVersion and MaxVersion narrow the policy: versions outside are neither offered nor
	// accepted. 0 stands for the policy's own bound.
	MinVersion, MaxVersion iana.Version

	// Schemes and Groups, if not nil, replace the policy's signature schemes and groups,
	// in order of preference: Ed25519, which no policy of s2n's has, is offered this way.
	Schemes []iana.SignatureScheme
	Groups  []iana.Group

	// SigningSchemes and VerifySchemes, if not nil, take the place of Schemes for our own
	// signatures alone, and for what is offered to the peer and accepted of it.
	SigningSchemes, VerifySchemes []iana.SignatureScheme

	// KeyShares are the groups for which a client of TLS 1.3 sends key shares at once, each of
	// them one that it offers; the server asks for any other by a HelloRetryRequest. Nil
	// stands for the first group that has a KEM in it and the first that has none, as in s2n;
	// an empty list sends none.
	KeyShares []iana.Group

	// Certificates are a server's chains; each client gets one that fits the name it asks
	// for and the schemes it knows, in this order (s2n_config_add_cert_chain_and_key_to_store).
	// A client chooses the first of its own that the server can verify, and rather one of an
	// authority that the server names.
	Certificates []*Certificate

	// CertificateAuthorities are the distinguished names, in DER, of the authorities that the
	// peer should have its certificate of: a server says them when it asks for one, a client of
	// TLS 1.3 in its ClientHello (RFC 8446, Section 4.2.4). They guide the peer's choice, and
	// bind neither it nor us. Nil says none; all together have 20000 bytes at most, as in s2n.
	CertificateAuthorities [][]byte

	// CertificateAuthoritiesFromRoots says the names of RootCAs, which the system's cannot be
	// (s2n_config_set_cert_authorities_from_trust_store).
	CertificateAuthoritiesFromRoots bool

	// DefaultCertificates are for clients that name no server, or an unknown one: at most
	// one for each type of key. Nil stands for the first of each type.
	DefaultCertificates []*Certificate

	// ServerName is what a client asks for and what the server's certificate has to bear:
	// a host name in ASCII or an IP address. SetServerName overrides it.
	ServerName string

	// RootCAs are the anchors that the peer's chain has to lead to; any certificate in it
	// is one, an intermediate too. Nil stands for the system's.
	RootCAs *x509.CertPool

	// ClientAuth says whether certificates of clients are wanted.
	ClientAuth ClientAuth

	// ALPN lists application protocols, the most wanted first, 1 to 255 bytes each
	// (s2n_config_set_protocol_preferences).
	ALPN []string

	// ContinueWithoutALPN lets a server go on when the client offers none of its protocols,
	// as s2n does; else it ends the handshake with no_application_protocol (RFC 7301).
	ContinueWithoutALPN bool

	// InsecureSkipVerify switches the built-in verification of the peer's certificate off:
	// chain, time, usage and name. Anyone can be the peer then, unless OnVerify says
	// otherwise.
	InsecureSkipVerify bool

	// VerifyHost, if not nil, replaces the check of the peer's name: it is called with
	// each DNS name, URI and IP address of the leaf until it returns true; with the common
	// name only if there are none of these, and with "" if there is none either
	// (s2n_verify_host_fn). It must not block.
	VerifyHost func(name string) bool

	// MaxChainDepth is the greatest number of certificates that the peer may send for
	// verification (s2n_config_set_max_cert_chain_depth); 0 stands for 7. More than 32, or than
	// MaxChainDepth if that is greater, are not read at all.
	MaxChainDepth int

	// DisableTimeVerification accepts certificates before and after their time.
	// DisableIntentVerification ignores key usage and extended key usage.
	DisableTimeVerification   bool
	DisableIntentVerification bool

	// MaxCertificateBytes limits the peer's Certificate message, without its header; 0 stands
	// for 131072. A longer one ends the handshake with illegal_parameter.
	MaxCertificateBytes int

	// DHParams are a server's parameters for the DHE suites of TLS 1.2
	// (s2n_config_add_dhparams); nil stands for the groups of RFC 7919, from ffdhe2048 up.
	DHParams *DHParams

	// RequestOCSP asks for an OCSP response with the peer's certificate
	// (s2n_config_set_status_request_type); a server can ask a client in TLS 1.3 alone. That a
	// response comes is not required; one that does has to satisfy: signed by the issuer or
	// its responder, in force (an hour if it names no nextUpdate), and good. Else the handshake
	// ends with bad_certificate_status_response (RFC 6066, Section 8).
	RequestOCSP bool

	// DisableOCSPVerification leaves the response to hooks and to whoever looks at State
	// (s2n_config_set_check_stapled_ocsp_response). So does InsecureSkipVerify, and
	// DisableTimeVerification leaves its dates out of account.
	DisableOCSPVerification bool

	// RequestSCT asks for signed certificate timestamps of the peer's certificate
	// (s2n_config_set_ct_support_level); a server can ask a client in TLS 1.3 alone. State has
	// the list that came. Its form is checked, what it says is not.
	RequestSCT bool

	// SessionTickets lets a server hand out sessions to be resumed, and a client ask for them
	// (s2n_config_set_session_tickets_onoff). Off, a server of TLS 1.2 still resumes sessions by
	// their ID if there is a SessionStore, and a client what SetSession brings.
	SessionTickets bool

	// TicketKeys are what a server seals its tickets with; servers that share the keys resume
	// each other's sessions. Nil stands for keys of this Config and its clones that change by themselves,
	// and for none at all beside a SessionStore: then it is the store that holds every session.
	TicketKeys *TicketKeys

	// SessionStore keeps a server's sessions by their ID (s2n_config_set_session_cache_onoff): those of TLS
	// 1.2, and stateful tickets of TLS 1.3, if there are no TicketKeys or what a ticket has to
	// hold is above 4 KiB. NewMemoryStore makes one.
	SessionStore SessionStore

	// TicketCount is how many tickets a server of TLS 1.3 sends after a handshake
	// (s2n_config_set_initial_ticket_count), at most 256; 0 stands for 1, a negative one for none.
	TicketCount int

	// SessionLifetime bounds how long a session can be resumed
	// (s2n_config_set_session_state_lifetime); 0 stands for 15 hours. KeyingMaterialLifetime
	// bounds it through all tickets that follow from one full handshake
	// (s2n_connection_set_server_keying_material_lifetime); 0 stands for a week.
	SessionLifetime        time.Duration
	KeyingMaterialLifetime time.Duration

	// VerifyResumed lets OnRevocationLists and OnVerify judge the peer's chain on a resumption, too: without it
	// a certificate that is revoked serves until its sessions end. Without it, too, a session that one
	// function has let in is resumed where OnVerify is the same function; closures of one function
	// literal count as one, whatever they hold.
	VerifyResumed bool

	// RequireTicketForwardSecrecy keeps a server of TLS 1.2 from sealing tickets
	// (s2n_config_require_ticket_forward_secrecy): whoever gets at a ticket key could read
	// the connection that the ticket was made in.
	RequireTicketForwardSecrecy bool

	// PSKs are external pre-shared keys of TLS 1.3, the most wanted first
	// (s2n_connection_append_psk). A client offers them all, a server takes the first that it is
	// offered, or none if it requires a client certificate. Where a server has no certificate, tickets count
	// with the very PSKs alone that they were given to.
	PSKs []*PSK

	// MaxEarlyData is how much early data a server takes on a ticket, in bytes
	// (s2n_config_set_server_max_early_data_size); 0 = none. EarlyDataContext is a note that its tickets
	// bear for OnEarlyData, at most 65535 bytes.
	MaxEarlyData     uint32
	EarlyDataContext []byte

	// ReplayRecorder keeps a server from accepting early data twice. Nil stands for one in memory, which
	// the users of the same TicketKeys share, or this Config and its clones. A fleet whose servers accept
	// each other's tickets needs one for all.
	ReplayRecorder ReplayRecorder

	// DangerouslyAllowEarlyDataReplay lets a server accept the same early data any number of times:
	// whoever has recorded it can send it again, as often as he likes. It is for requests that
	// change nothing, however often they come.
	DangerouslyAllowEarlyDataReplay bool

	// Hooks are the questions that handshakes ask.
	Hooks

	// Wake is called once for each answer of a hook that comes after the hook has
	// returned, on the answering goroutine: call Negotiate again. It must not block, and
	// must not call methods of c but Value and Close, since Negotiate may still be under way.
	Wake func(c *Conn)

	// Validation says how much of an asynchronous signature is checked before it is sent
	// (s2n_config_set_async_pkey_validation_mode).
	Validation asyncpkey.ValidationMode

	// VerifyAfterSign verifies every signature of our own before it is sent, those of keys
	// in memory too, and makes operations of OnPrivateKey Strict whatever Validation says
	// (s2n_config_set_verify_after_sign): a fault of the
	// processor in the middle of a signature can give the key away to whoever sees the result.
	// It is off, as in s2n: crypto/rsa checks its signatures by itself, and an ECDSA signature
	// takes twice as long to verify as to make.
	VerifyAfterSign bool

	// OperationTimeout is the time that each hook's operation has; 0 = no limit. The
	// operation's own SetTimeout overrides it.
	OperationTimeout time.Duration

	// IgnoreWarnings lets warning alerts of TLS 1.2 but close_notify pass
	// (s2n_config_set_alert_behavior), a few in a row; else they end the connection.
	IgnoreWarnings bool

	// AcceptSSLv2ClientHello lets a server take a ClientHello in the framing of SSLv2, with
	// which very old clients of TLS 1.2 begin (RFC 5246, Appendix E.2). It never leads to
	// TLS 1.3.
	AcceptSSLv2ClientHello bool

	// RecordSize is the most application data in one record, 1 to 16384 bytes; 0 stands for
	// s2n's 8087. ThroughputRecordSize and LowLatencyRecordSize are s2n's other choices.
	RecordSize int

	// SendBufferSize lets Send collect records up to so many bytes before they are
	// written (s2n_config_set_send_buffer_size); 0 writes each record at once.
	SendBufferSize int

	// Fallback says that a client tries again with a lower MaxVersion, after a handshake that
	// failed: a server that knows better refuses (RFC 7507), since somebody who is in between
	// may want the lower version. Few clients have a reason to try again.
	Fallback bool

	// DisableCompatibilityMode does without the middlebox compatibility mode of RFC 8446,
	// Appendix D.4. A server stays in it for clients that are.
	DisableCompatibilityMode bool

	// ForbidRenegotiation makes a HelloRequest end a client's connection: with
	// unexpected_message during a handshake, where it is ignored else, and with no_renegotiation
	// after it, where OnHelloRequest is not asked.
	ForbidRenegotiation bool

	// KeyLog receives lines of the NSS key log format, which let anyone who reads them
	// decrypt the connection. A write is one line; it must be safe for all goroutines that
	// use the Config.
	KeyLog io.Writer

	// Trace, if not nil, is told what connections do, on the goroutine that does it. It
	// must not block and not call methods of c but State.
	Trace func(c *Conn, e TraceEvent)

	// Now is the wall clock (s2n_config_set_wall_clock), nil = time.Now. AfterFunc is the
	// clock of operations' time limits (s2n_config_set_monotonic_clock), nil =
	// time.AfterFunc.
	Now       func() time.Time
	AfterFunc async.AfterFunc

	client, server atomic.Pointer[prepared]
	made           atomic.Pointer[madeResumption] // shared by clones
	rand           io.Reader                      // tests: every random byte comes from here
}

// Sizes for Config.RecordSize in bytes.
const (
	DefaultRecordSize    = 8087  // s2n's
	ThroughputRecordSize = 16384 // s2n_connection_prefer_throughput
	LowLatencyRecordSize = 1435  // s2n_connection_prefer_low_latency: one TCP segment
)

// Clone returns a copy that may be changed.
func (cfg *Config) Clone() *Config {
	clone := &Config{
		Policy: cfg.Policy, SecurityPolicy: cfg.SecurityPolicy, MinVersion: cfg.MinVersion, MaxVersion: cfg.MaxVersion,
		Schemes: cfg.Schemes, Groups: cfg.Groups,
		SigningSchemes: cfg.SigningSchemes, VerifySchemes: cfg.VerifySchemes, KeyShares: cfg.KeyShares,
		Certificates: cfg.Certificates, DefaultCertificates: cfg.DefaultCertificates,
		CertificateAuthorities: cfg.CertificateAuthorities, CertificateAuthoritiesFromRoots: cfg.CertificateAuthoritiesFromRoots,
		ServerName: cfg.ServerName, RootCAs: cfg.RootCAs, ClientAuth: cfg.ClientAuth,
		ALPN: cfg.ALPN, ContinueWithoutALPN: cfg.ContinueWithoutALPN,
		InsecureSkipVerify: cfg.InsecureSkipVerify, VerifyHost: cfg.VerifyHost,
		MaxChainDepth: cfg.MaxChainDepth, DisableTimeVerification: cfg.DisableTimeVerification,
		DisableIntentVerification: cfg.DisableIntentVerification, MaxCertificateBytes: cfg.MaxCertificateBytes,
		DHParams: cfg.DHParams, RequestOCSP: cfg.RequestOCSP, DisableOCSPVerification: cfg.DisableOCSPVerification, RequestSCT: cfg.RequestSCT,
		Hooks: cfg.Hooks, Wake: cfg.Wake, Validation: cfg.Validation, VerifyAfterSign: cfg.VerifyAfterSign, OperationTimeout: cfg.OperationTimeout,
		IgnoreWarnings: cfg.IgnoreWarnings, AcceptSSLv2ClientHello: cfg.AcceptSSLv2ClientHello,
		SessionTickets: cfg.SessionTickets, TicketKeys: cfg.TicketKeys, SessionStore: cfg.SessionStore,
		TicketCount: cfg.TicketCount, SessionLifetime: cfg.SessionLifetime, KeyingMaterialLifetime: cfg.KeyingMaterialLifetime,
		VerifyResumed: cfg.VerifyResumed, RequireTicketForwardSecrecy: cfg.RequireTicketForwardSecrecy,
		PSKs: cfg.PSKs, MaxEarlyData: cfg.MaxEarlyData, EarlyDataContext: cfg.EarlyDataContext,
		ReplayRecorder: cfg.ReplayRecorder, DangerouslyAllowEarlyDataReplay: cfg.DangerouslyAllowEarlyDataReplay,
		RecordSize: cfg.RecordSize, SendBufferSize: cfg.SendBufferSize,
		DisableCompatibilityMode: cfg.DisableCompatibilityMode, ForbidRenegotiation: cfg.ForbidRenegotiation, Fallback: cfg.Fallback,
		KeyLog: cfg.KeyLog, Trace: cfg.Trace, Now: cfg.Now, AfterFunc: cfg.AfterFunc,
		rand: cfg.rand,
	}
	clone.made.Store(cfg.shared())
	return clone
}

// DHParams is a group for key exchange over finite fields.
type DHParams = handshake.DHParams

// ParseDHParams reads the first DH PARAMETERS of a PEM file, as "openssl dhparam" makes
// them: a safe prime of 1024 to 8192 bits.
func ParseDHParams(pem []byte) (*DHParams, error) { return handshake.ParseDHParams(pem) }

// NewCertificate returns the Certificate of a chain in DER, leaf first, and of its key,
// which is nil where OnPrivateKey answers. Errors say what does not fit.
func NewCertificate(chain [][]byte, key any) (*Certificate, error) { return certs.New(chain, key) }

// ParseCertificate reads a chain, leaf first, and its key from PEM. A nil keyPEM stands
// for a key that OnPrivateKey answers for.
func ParseCertificate(certPEM, keyPEM []byte) (*Certificate, error) {
	if keyPEM == nil {
		return certs.ParsePublicPEM(certPEM)
	}
	return certs.ParsePEM(certPEM, keyPEM)
}

// LoadCertificate reads a chain and its key from files of PEM, which may be one and the
// same.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	return certs.LoadFiles(certFile, keyFile)
}
