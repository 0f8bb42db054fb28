package wire

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// reencode writes what Parse made of a message, field by field and extension by extension,
// in the order in which they came. An extension that has more than one encoding is copied
// where it has another than Put writes.
func reencode(t testing.TB, m any) []byte {
	t.Helper()
	var w Writer
	switch m := m.(type) {
	case *ClientHello:
		reencodeClientHello(&w, m)
	case *ServerHello:
		x := BeginServerHello(&w, m.Random, m.SessionID, m.CipherSuite)
		w.B[4], w.B[5] = byte(m.LegacyVersion>>8), byte(m.LegacyVersion)
		w.B[len(w.B)-1] = m.CompressionMethod
		reencodeBlock(&w, m.Extensions, func(kind iana.Extension) bool { return putServerHelloExtension(&w, m, kind) })
		w.End(x)
	case *EncryptedExtensions:
		x := w.BeginMessage(iana.EncryptedExtensions)
		reencodeBlock(&w, m.Extensions, func(kind iana.Extension) bool { return putEncryptedExtension(&w, m, kind) })
		w.End(x)
	case *CertificateRequest:
		x := BeginCertificateRequest(&w, m.Context)
		reencodeBlock(&w, m.Extensions, func(kind iana.Extension) bool { return putCertificateRequestExtension(&w, m, kind) })
		w.End(x)
	case *Certificate:
		x := BeginCertificate(&w, m.Context)
		for e := range m.All() {
			reencodeCertificateEntry(&w, e)
		}
		EndCertificate(&w, x)
	case *CertificateVerify:
		AppendCertificateVerify(&w, m.Scheme, m.Signature)
	case *Finished:
		AppendFinished(&w, m.VerifyData)
	case *KeyUpdate:
		AppendKeyUpdate(&w, m.RequestUpdate)
	case *EndOfEarlyData:
		AppendEndOfEarlyData(&w)
	case *NewSessionTicket:
		x := BeginNewSessionTicket(&w, m.Lifetime, m.AgeAdd, m.Nonce, m.Ticket)
		reencodeBlock(&w, m.Extensions, func(kind iana.Extension) bool {
			if kind == iana.EarlyData {
				PutMaxEarlyData(&w, m.MaxEarlyData)
			}
			return kind == iana.EarlyData
		})
		w.End(x)
	}
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	return w.B
}

// reencodeBlock writes an extension block, each of them by put or, where that says that it
// has not, as it was. A block that was not there, in a hello of TLS 1.2, is not written.
func reencodeBlock(w *Writer, e Extensions, put func(iana.Extension) bool) {
	if e == nil {
		return
	}
	b := w.Begin16()
	for kind, data := range e.All() {
		if !put(kind) {
			x := w.BeginExtension(kind)
			w.Raw(data)
			w.End(x)
		}
	}
	w.End(b)
}

func reencodeClientHello(w *Writer, m *ClientHello) {
	x := BeginClientHello(w, m.LegacyVersion, m.Random, m.SessionID, m.CipherSuites.Slice())
	w.B = w.B[:len(w.B)-2]
	w.vec8(m.CompressionMethods)
	reencodeBlock(w, m.Extensions, func(kind iana.Extension) bool { return putClientHelloExtension(w, m, kind) })
	w.End(x)
}

func putClientHelloExtension(w *Writer, m *ClientHello, kind iana.Extension) bool {
	data, _ := m.Extensions.Get(kind)
	switch kind {
	case iana.ServerName:
		if len(data) != 5+len(m.ServerName) {
			return false // names of other types
		}
		PutServerName(w, string(m.ServerName))
	case iana.SupportedVersions:
		PutSupportedVersions(w, m.SupportedVersions.Slice()...)
	case iana.SupportedGroups:
		PutSupportedGroups(w, m.SupportedGroups.Slice())
	case iana.SignatureAlgorithms:
		PutSignatureAlgorithms(w, m.SignatureAlgorithms.Slice())
	case iana.SignatureAlgorithmsCert:
		PutSignatureAlgorithmsCert(w, m.SignatureAlgorithmsCert.Slice())
	case iana.KeyShare:
		shares := BeginKeyShares(w)
		for g, share := range m.KeyShares.All() {
			s := BeginKeyShare(w, g)
			w.Raw(share)
			w.End(s)
		}
		EndKeyShares(w, shares)
	case iana.ApplicationLayerProtocolNegotiation:
		PutALPN(w, sliceOf(m.ALPN.All()))
	case iana.PSKKeyExchangeModes:
		PutPSKKeyExchangeModes(w, m.PSKKeyExchangeModes...)
	case iana.PreSharedKey:
		psk := BeginPreSharedKey(w)
		for identity, age := range m.PreSharedKey.Identities.All() {
			PutPSKIdentity(w, identity, age)
		}
		psk = BeginPSKBinders(w, psk)
		for binder := range m.PreSharedKey.Binders.All() {
			PutPSKBinder(w, binder)
		}
		EndPreSharedKey(w, psk)
	case iana.EarlyData:
		PutEarlyData(w)
	case iana.Cookie:
		PutCookie(w, m.Cookie)
	case iana.StatusRequest:
		if !m.StatusRequest || len(data) != 5 {
			return false // of another type, or with responders or extensions
		}
		PutStatusRequest(w)
	case iana.SignedCertificateTimestamp:
		PutSCTRequest(w)
	case iana.CertificateAuthorities:
		PutCertificateAuthorities(w, namesOf(m.CertificateAuthorities))
	case iana.MaxFragmentLength:
		PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		PutRecordSizeLimit(w, m.RecordSizeLimit)
	case iana.PostHandshakeAuth:
		PutPostHandshakeAuth(w)
	case iana.ExtendedMasterSecret:
		PutExtendedMasterSecret(w)
	case iana.RenegotiationInfo:
		PutRenegotiationInfo(w, m.RenegotiationInfo)
	case iana.SessionTicket:
		PutSessionTicket(w, m.SessionTicket)
	case iana.ECPointFormats:
		PutECPointFormats(w, m.ECPointFormats...)
	case iana.Padding:
		if len(bytes.Trim(data, "\x00")) > 0 {
			return false // it ought to be zeros
		}
		PutPadding(w, len(data))
	default:
		return false
	}
	return true
}

func putServerHelloExtension(w *Writer, m *ServerHello, kind iana.Extension) bool {
	if m.SupportedVersion == 0 {
		return false // of TLS 1.2
	}
	switch kind {
	case iana.SupportedVersions:
		PutSelectedVersion(w, m.SupportedVersion)
	case iana.KeyShare:
		if m.IsHelloRetryRequest() {
			PutHelloRetryGroup(w, m.KeyShareGroup)
			break
		}
		share := BeginServerKeyShare(w, m.KeyShareGroup)
		w.Raw(m.KeyShare)
		EndServerKeyShare(w, share)
	case iana.PreSharedKey:
		PutSelectedIdentity(w, m.SelectedIdentity)
	case iana.Cookie:
		PutCookie(w, m.Cookie)
	default:
		return false
	}
	return true
}

func putEncryptedExtension(w *Writer, m *EncryptedExtensions, kind iana.Extension) bool {
	switch kind {
	case iana.ServerName:
		PutServerNameAck(w)
	case iana.ApplicationLayerProtocolNegotiation:
		PutSelectedALPN(w, string(m.ALPN))
	case iana.EarlyData:
		PutEarlyData(w)
	case iana.MaxFragmentLength:
		PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		PutRecordSizeLimit(w, m.RecordSizeLimit)
	case iana.SupportedGroups:
		PutSupportedGroups(w, m.SupportedGroups.Slice())
	default:
		return false
	}
	return true
}

func putCertificateRequestExtension(w *Writer, m *CertificateRequest, kind iana.Extension) bool {
	switch kind {
	case iana.SignatureAlgorithms:
		PutSignatureAlgorithms(w, m.SignatureAlgorithms.Slice())
	case iana.SignatureAlgorithmsCert:
		PutSignatureAlgorithmsCert(w, m.SignatureAlgorithmsCert.Slice())
	case iana.CertificateAuthorities:
		PutCertificateAuthorities(w, namesOf(m.CertificateAuthorities))
	case iana.StatusRequest:
		PutEmptyStatusRequest(w)
	case iana.SignedCertificateTimestamp:
		PutSCTRequest(w)
	default:
		return false
	}
	return true
}

// reencodeCertificateEntry puts the OCSP response first, which a peer need not.
func reencodeCertificateEntry(w *Writer, e CertificateEntry) {
	at := len(w.B)
	PutCertificateEntry(w, e.DER, e.OCSPResponse, e.SCTList)
	if got := w.B[at+3+len(e.DER)+2:]; len(got) == len(e.Extensions) {
		for kind, data := range e.Extensions.All() {
			if again, _ := Extensions(got).Get(kind); !bytes.Equal(again, data) {
				return
			}
		}
		copy(got, e.Extensions)
	}
}

func namesOf(d DistinguishedNames) (names [][]byte) {
	for name := range d.All() {
		names = append(names, name)
	}
	return names
}

// parseMessage parses a message with its header by the type in it and returns what it
// made of it, nil of a type of which there is no codec.
func parseMessage(msg []byte) (any, error) {
	kind, body := iana.Message(msg[0]), msg[4:]
	switch kind {
	case iana.ClientHello:
		m := new(ClientHello)
		return m, m.Parse(body)
	case iana.ServerHello:
		m := new(ServerHello)
		return m, m.Parse(body, everything)
	case iana.EncryptedExtensions:
		m := new(EncryptedExtensions)
		return m, m.Parse(body, everything)
	case iana.CertificateRequest:
		m := new(CertificateRequest)
		return m, m.Parse(body)
	case iana.Certificate:
		m := new(Certificate)
		return m, m.Parse(body, everything, 16)
	case iana.CertificateVerify:
		m := new(CertificateVerify)
		return m, m.Parse(body)
	case iana.Finished:
		m := new(Finished)
		return m, m.Parse(body)
	case iana.KeyUpdate:
		m := new(KeyUpdate)
		return m, m.Parse(body)
	case iana.EndOfEarlyData:
		m := new(EndOfEarlyData)
		return m, m.Parse(body)
	case iana.NewSessionTicket:
		m := new(NewSessionTicket)
		return m, m.Parse(body)
	}
	return nil, nil
}

func TestSamplesEncodeAgain(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			msg := written(t, s.write)
			m, err := parseMessage(msg)
			if err != nil {
				t.Fatal(err)
			}
			if again := reencode(t, m); !bytes.Equal(again, msg) {
				t.Errorf("% x, want\n% x", again, msg)
			}
		})
	}
}
