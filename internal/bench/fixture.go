package bench

import (
	"crypto/tls"
	"crypto/x509"
	_ "unsafe" // for linkname

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// Case is a kind of handshake that both libraries do.
type Case struct {
	Version iana.Version // 0 = TLS 1.3
	Key     testpeer.KeyKind
	Group   iana.Group
	Suite   iana.CipherSuite // 0 = what is negotiated
	Resume  bool             // a session of an earlier handshake, by a ticket; a new one ends each handshake
}

// Fixture is a Case with its certificates, as both libraries want them: a leaf and its
// root, which clients verify.
type Fixture struct {
	Client, Server       *conn.Config
	StdClient, StdServer *tls.Config
	session              []byte // of ours, to resume; crypto/tls keeps its own
}

// NewFixture makes the certificates of a Case and configures both libraries alike.
func NewFixture(c Case) (*Fixture, error) {
	authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{})
	if err != nil {
		return nil, err
	}
	issued, err := authority.Issue(testpeer.Template{DNSNames: []string{"localhost"}, Key: c.Key})
	if err != nil {
		return nil, err
	}
	cert, err := conn.NewCertificate(issued.Chain, issued.Key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority.Root())
	f := &Fixture{
		Client: &conn.Config{RootCAs: roots, ServerName: "localhost", Groups: []iana.Group{c.Group}, RecordSize: conn.ThroughputRecordSize},
		Server: &conn.Config{Certificates: []*conn.Certificate{cert}, Groups: []iana.Group{c.Group}, RecordSize: conn.ThroughputRecordSize},
		StdClient: &tls.Config{
			RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13,
			CurvePreferences: []tls.CurveID{tls.CurveID(c.Group)},
		},
		StdServer: &tls.Config{
			MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveID(c.Group)},
			Certificates:                []tls.Certificate{{Certificate: issued.Chain, PrivateKey: issued.Key, Leaf: issued.Leaf}},
			SessionTicketsDisabled:      true,
			DynamicRecordSizingDisabled: true,
		},
	}
	if c.Version == iana.TLS12 {
		// The certificate's curve has to be offered, too (RFC 8422, Section 5.3).
		f.Client.Groups = append(f.Client.Groups, iana.Secp256r1)
		f.StdClient.CurvePreferences = append(f.StdClient.CurvePreferences, tls.CurveP256)
		f.StdClient.MinVersion, f.StdServer.MinVersion = tls.VersionTLS12, tls.VersionTLS12
		f.StdClient.MaxVersion, f.StdServer.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		f.StdClient.CipherSuites, f.StdServer.CipherSuites = []uint16{uint16(c.Suite)}, []uint16{uint16(c.Suite)}
	}
	if c.Suite != 0 {
		p, err := policy.Lookup(policy.Default)
		if err != nil {
			return nil, err
		}
		p.Name, p.CipherSuites = "only "+c.Suite.String(), []iana.CipherSuite{c.Suite}
		f.Client.SecurityPolicy, f.Server.SecurityPolicy = p, p
	}
	if c.Resume {
		return f, f.begin()
	}
	return f, nil
}

// stdSuites is crypto/tls's list of TLS 1.3 suites, which its Config cannot choose from.
//
//go:linkname stdSuites crypto/tls.defaultCipherSuitesTLS13
var stdSuites []uint16

//go:linkname stdSuitesNoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var stdSuitesNoAES []uint16

// OnlyStdSuite lets crypto/tls negotiate nothing but id, in the whole process, until the
// returned function is called.
func OnlyStdSuite(id iana.CipherSuite) (restore func()) {
	with, without := stdSuites, stdSuitesNoAES
	stdSuites, stdSuitesNoAES = []uint16{uint16(id)}, []uint16{uint16(id)}
	return func() { stdSuites, stdSuitesNoAES = with, without }
}
