package wire

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

// recorder keeps what is written to a connection.
type recorder struct {
	net.Conn
	sent []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.sent = append(r.sent, b...)
	return r.Conn.Write(b)
}

// messages returns the handshake messages that were sent in clear, with their headers.
func (r *recorder) messages() (msgs [][]byte) {
	var stream []byte
	for b := r.sent; len(b) >= 5 && b[0] == 22; {
		n := 5 + int(b[3])<<8 + int(b[4])
		stream, b = append(stream, b[5:n]...), b[n:]
	}
	for len(stream) > 0 {
		n := 4 + int(stream[1])<<16 + int(stream[2])<<8 + int(stream[3])
		msgs, stream = append(msgs, stream[:n]), stream[n:]
	}
	return msgs
}

// handshakeOfCryptoTLS has the standard library shake hands with itself in TLS 1.2, with
// client authentication, and returns what each side sent in clear.
func handshakeOfCryptoTLS(t *testing.T, key crypto.Signer, suite uint16) (client, server [][]byte, leaf *x509.Certificate) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wire"}, DNSNames: []string{"example.com"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	config := &tls.Config{
		Certificates: []tls.Certificate{{
			Certificate: [][]byte{der}, PrivateKey: key, OCSPStaple: sampleDER, SignedCertificateTimestamps: [][]byte{{1, 2}, {9}},
		}},
		RootCAs: roots, ClientCAs: roots, ClientAuth: tls.RequireAnyClientCert, ServerName: "example.com",
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}, NextProtos: []string{"h2"},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	a, b := net.Pipe()
	ours, theirs := &recorder{Conn: a}, &recorder{Conn: b}
	done := make(chan error, 1)
	go func() {
		defer theirs.Close()
		done <- tls.Server(theirs, config).Handshake()
	}()
	// The handshake is over for the client when it has read all that the server sent in clear.
	if err := tls.Client(ours, config).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return ours.messages(), theirs.messages(), leaf
}

func TestMessagesOfCryptoTLS(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		key    crypto.Signer
		suite  iana.CipherSuite
		client []iana.Message
		server []iana.Message
	}{
		{
			"ECDHE", ec, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			[]iana.Message{iana.ClientHello, iana.Certificate, iana.ClientKeyExchange, iana.CertificateVerify},
			[]iana.Message{iana.ServerHello, iana.Certificate, iana.CertificateStatus, iana.ServerKeyExchange, iana.CertificateRequest, iana.ServerHelloDone, iana.NewSessionTicket},
		},
		{
			"RSA", rsaKey, iana.TLS_RSA_WITH_AES_128_GCM_SHA256,
			[]iana.Message{iana.ClientHello, iana.Certificate, iana.ClientKeyExchange, iana.CertificateVerify},
			[]iana.Message{iana.ServerHello, iana.Certificate, iana.CertificateStatus, iana.CertificateRequest, iana.ServerHelloDone, iana.NewSessionTicket},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server, leaf := handshakeOfCryptoTLS(t, c.key, uint16(c.suite))
			x := exchange{t: t, leaf: leaf, rsa: c.name == "RSA"}
			for i, flight := range [][][]byte{client, server} {
				want := [][]iana.Message{c.client, c.server}[i]
				for j, msg := range flight {
					if j >= len(want) || iana.Message(msg[0]) != want[j] {
						t.Fatalf("message %d is %v, want %v", j, iana.Message(msg[0]), want)
					}
					if n := MaxLength(want[j]); len(msg)-4 > n {
						t.Errorf("%v of %d bytes is longer than %d", want[j], len(msg)-4, n)
					}
					x.read(want[j], msg)
				}
				if len(flight) != len(want) {
					t.Errorf("%d messages, want %v", len(flight), want)
				}
			}
		})
	}
}

// exchange reads the messages of a handshake, those of the client first.
type exchange struct {
	t     *testing.T
	leaf  *x509.Certificate
	rsa   bool // key exchange
	hello ClientHello
	reply ServerHello
}

// read parses a message, checks what is known of it, and writes it again where our way to
// write it is the only one.
func (x *exchange) read(kind iana.Message, msg []byte) {
	x.t.Helper()
	var w Writer
	var err error
	ok := true
	switch body := msg[4:]; kind {
	case iana.ClientHello:
		err = x.hello.Parse(body)
		ok = bytes.IndexByte(x.hello.ECPointFormats, PointUncompressed) >= 0 && x.hello.Has.Has(iana.SessionTicket)
		reencodeClientHello(&w, &x.hello)
	case iana.ServerHello:
		if err = x.reply.Parse(body, x.hello.Has); err == nil {
			err = x.reply.Parse12(x.hello.Has)
		}
		m := &x.reply
		ok = m.ExtendedMasterSecret && m.SessionTicket && m.StatusRequest && string(m.ALPN) == "h2" && bytes.Equal(m.SCTList, sampleSCTs) &&
			m.Has.Has(iana.RenegotiationInfo) && len(m.RenegotiationInfo) == 0
		_ = rewriteServerHello12(&w, body)
	case iana.Certificate:
		var m Certificate12
		err = m.Parse(body, 1)
		ok = m.Len() == 1
		y := BeginCertificate12(&w)
		for der := range m.All() {
			ok = ok && bytes.Equal(der, x.leaf.Raw)
			PutCertificate12(&w, der)
		}
		EndCertificate12(&w, y)
	case iana.CertificateStatus:
		var m CertificateStatus
		err = m.Parse(body)
		ok = bytes.Equal(m.Response, sampleDER)
		AppendCertificateStatus(&w, m.Response)
	case iana.ServerKeyExchange:
		var m ServerECDHE
		m, err = ParseServerECDHE(body)
		signed := sha256.Sum256(bytes.Join([][]byte{x.hello.Random, x.reply.Random, m.Raw}, nil))
		ok = m.Scheme == iana.ECDSASecp256r1SHA256 && ecdsa.VerifyASN1(x.leaf.PublicKey.(*ecdsa.PublicKey), signed[:], m.Signature)
		AppendServerKeyExchange(&w, AppendServerECDHParams(nil, m.Group, m.Point), m.Scheme, m.Signature)
	case iana.ClientKeyExchange:
		if x.rsa {
			var encrypted []byte
			encrypted, err = ParseClientRSA(body)
			ok = len(encrypted) == 256
			AppendClientRSA(&w, encrypted)
			break
		}
		var point []byte
		point, err = ParseClientECDHE(body)
		ok = len(point) == 32 || len(point) == 65
		AppendClientECDHE(&w, point)
	case iana.CertificateRequest:
		var m CertificateRequest12
		err = m.Parse(body)
		names := namesOf(m.CertificateAuthorities)
		ok = len(names) == 1 && bytes.Equal(names[0], x.leaf.RawSubject) && bytes.IndexByte(m.CertificateTypes, ECDSASign) >= 0
		AppendCertificateRequest12(&w, m.CertificateTypes, m.SignatureAlgorithms.Slice(), names)
	case iana.CertificateVerify:
		var m CertificateVerify
		err = m.Parse(body)
		AppendCertificateVerify(&w, m.Scheme, m.Signature)
	case iana.ServerHelloDone:
		err = new(ServerHelloDone).Parse(body)
		AppendServerHelloDone(&w)
	case iana.NewSessionTicket:
		var m NewSessionTicket12
		err = m.Parse(body)
		ok = len(m.Ticket) > 0
		AppendNewSessionTicket12(&w, m.LifetimeHint, m.Ticket)
	}
	if err != nil || !ok {
		x.t.Errorf("%v is wrong: %v, % x", kind, err, msg)
	}
	if !bytes.Equal(w.B, msg) {
		x.t.Errorf("%v is % x, want\n% x", kind, w.B, msg)
	}
}
