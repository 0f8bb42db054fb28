package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// codecs12 are those of TLS 1.2.
var codecs12 = []codec{
	{iana.ServerHello, func(b []byte) (func(*wire.Writer), error) { return parseServerHello12(b, offersAll) }},
	{iana.Certificate, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.Certificate12)
		return func(w *wire.Writer) {
			mark := wire.BeginCertificate12(w)
			for der := range m.All() {
				wire.PutCertificate12(w, der)
			}
			wire.EndCertificate12(w, mark)
		}, m.Parse(b, maxChain)
	}},
	{iana.CertificateStatus, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.CertificateStatus)
		return func(w *wire.Writer) { wire.AppendCertificateStatus(w, m.Response) }, m.Parse(b)
	}},
	{iana.ServerKeyExchange, func(b []byte) (func(*wire.Writer), error) {
		m, err := wire.ParseServerECDHE(b)
		return func(w *wire.Writer) {
			params := wire.AppendServerECDHParams(nil, m.Group, m.Point)
			wire.AppendServerKeyExchange(w, params, m.Scheme, m.Signature)
		}, err
	}},
	{iana.ServerKeyExchange, func(b []byte) (func(*wire.Writer), error) {
		m, err := wire.ParseServerDHE(b)
		return func(w *wire.Writer) {
			params := wire.AppendServerDHParams(nil, m.P, m.G, m.Ys)
			wire.AppendServerKeyExchange(w, params, m.Scheme, m.Signature)
		}, err
	}},
	{iana.CertificateRequest, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.CertificateRequest12)
		return func(w *wire.Writer) {
			names := slices.Collect(m.CertificateAuthorities.All())
			wire.AppendCertificateRequest12(w, m.CertificateTypes, m.SignatureAlgorithms.Slice(), names)
		}, m.Parse(b)
	}},
	{iana.ServerHelloDone, func(b []byte) (func(*wire.Writer), error) {
		return wire.AppendServerHelloDone, new(wire.ServerHelloDone).Parse(b)
	}},
	{iana.ClientKeyExchange, func(b []byte) (func(*wire.Writer), error) {
		point, err := wire.ParseClientECDHE(b)
		return func(w *wire.Writer) { wire.AppendClientECDHE(w, point) }, err
	}},
	{iana.ClientKeyExchange, func(b []byte) (func(*wire.Writer), error) {
		yc, err := wire.ParseClientDHE(b)
		return func(w *wire.Writer) { wire.AppendClientDHE(w, yc) }, err
	}},
	{iana.ClientKeyExchange, func(b []byte) (func(*wire.Writer), error) {
		encrypted, err := wire.ParseClientRSA(b)
		return func(w *wire.Writer) { wire.AppendClientRSA(w, encrypted) }, err
	}},
	{iana.Finished, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.Finished12)
		return func(w *wire.Writer) { wire.AppendFinished(w, m.VerifyData) }, m.Parse(b)
	}},
	{iana.NewSessionTicket, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.NewSessionTicket12)
		return func(w *wire.Writer) { wire.AppendNewSessionTicket12(w, m.LifetimeHint, m.Ticket) }, m.Parse(b)
	}},
	{iana.HelloRequest, func(b []byte) (func(*wire.Writer), error) {
		return wire.AppendHelloRequest, new(wire.HelloRequest).Parse(b)
	}},
}

// parseServerHello12 reads a ServerHello as a client does that offers TLS 1.2 too.
func parseServerHello12(b []byte, offered wire.Set) (func(*wire.Writer), error) {
	m := new(wire.ServerHello)
	err := m.Parse(b, offered)
	if err == nil && m.SupportedVersion == 0 {
		err = m.Parse12(offered)
	}
	return func(w *wire.Writer) {
		if m.SupportedVersion != 0 {
			reencodeServerHello(w, m)
			return
		}
		mark := wire.BeginServerHello(w, m.Random, m.SessionID, m.CipherSuite)
		w.B[4], w.B[5] = byte(m.LegacyVersion>>8), byte(m.LegacyVersion)
		reencodeBlock(w, m.Extensions, func(x iana.Extension, _ []byte) bool { return putInServerHello12(w, m, x) })
		w.End(mark)
	}, err
}

func putInServerHello12(w *wire.Writer, m *wire.ServerHello, x iana.Extension) bool {
	switch x {
	case iana.ExtendedMasterSecret:
		wire.PutExtendedMasterSecret(w)
	case iana.RenegotiationInfo:
		wire.PutRenegotiationInfo(w, m.RenegotiationInfo)
	case iana.SessionTicket:
		wire.PutSessionTicket(w, nil)
	case iana.StatusRequest:
		wire.PutEmptyStatusRequest(w)
	case iana.ServerName:
		wire.PutServerNameAck(w)
	case iana.ApplicationLayerProtocolNegotiation:
		wire.PutSelectedALPN(w, string(m.ALPN))
	case iana.ECPointFormats:
		wire.PutECPointFormats(w, m.ECPointFormats...)
	case iana.SignedCertificateTimestamp:
		wire.PutSCTList(w, m.SCTList)
	case iana.MaxFragmentLength:
		wire.PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		wire.PutRecordSizeLimit(w, m.RecordSizeLimit)
	default:
		return false
	}
	return true
}

// checkSSLv2 holds that a ClientHello in the framing of SSLv2 becomes one that can be read.
func checkSSLv2(t *testing.T, body []byte) {
	before := []byte("before")
	hello, err := wire.ParseSSLv2ClientHello(before, body)
	if err != nil {
		checkWireError(t, err, iana.HandshakeFailure)
		return
	}
	msg, ok := bytes.CutPrefix(hello, before)
	if !ok || messageEnd(msg) != len(msg) || len(msg) > 100+len(body) {
		t.Fatalf("%x became %x", body, hello)
	}
	var m wire.ClientHello
	if err := m.Parse(msg[4:]); err != nil {
		t.Fatalf("%x became %x: %v", body, msg, err)
	}
}
