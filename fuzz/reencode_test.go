package fuzz

import (
	"bytes"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// reencode writes a parsed message again, field by field and extension by extension. What
// has more than one encoding is copied where Put has another one.

func reencodeClientHello(w *wire.Writer, m *wire.ClientHello) {
	mark := wire.BeginClientHello(w, m.LegacyVersion, m.Random, m.SessionID, m.CipherSuites.Slice())
	w.B = w.B[:len(w.B)-2]
	l := w.Begin8()
	w.Raw(m.CompressionMethods)
	w.End(l)
	reencodeBlock(w, m.Extensions, func(x iana.Extension, data []byte) bool { return putInClientHello(w, m, x, data) })
	w.End(mark)
}

func reencodeServerHello(w *wire.Writer, m *wire.ServerHello) {
	mark := wire.BeginServerHello(w, m.Random, m.SessionID, m.CipherSuite)
	w.B[4], w.B[5] = byte(m.LegacyVersion>>8), byte(m.LegacyVersion)
	w.B[len(w.B)-1] = m.CompressionMethod
	reencodeBlock(w, m.Extensions, func(x iana.Extension, _ []byte) bool { return putInServerHello(w, m, x) })
	w.End(mark)
}

func reencodeEncryptedExtensions(w *wire.Writer, m *wire.EncryptedExtensions) {
	mark := w.BeginMessage(iana.EncryptedExtensions)
	reencodeBlock(w, m.Extensions, func(x iana.Extension, _ []byte) bool { return putInEncryptedExtensions(w, m, x) })
	w.End(mark)
}

func reencodeCertificateRequest(w *wire.Writer, m *wire.CertificateRequest) {
	mark := wire.BeginCertificateRequest(w, m.Context)
	reencodeBlock(w, m.Extensions, func(x iana.Extension, _ []byte) bool { return putInCertificateRequest(w, m, x) })
	w.End(mark)
}

func reencodeCertificate(w *wire.Writer, m *wire.Certificate) {
	mark := wire.BeginCertificate(w, m.Context)
	for e := range m.All() {
		at := len(w.B)
		wire.PutCertificateEntry(w, e.DER, e.OCSPResponse, e.SCTList)
		if put := wire.Extensions(w.B[at+3+len(e.DER)+2:]); len(put) == len(e.Extensions) && sameBlock(put, e.Extensions) {
			copy(put, e.Extensions) // in the order in which they came
		}
	}
	wire.EndCertificate(w, mark)
}

func reencodeNewSessionTicket(w *wire.Writer, m *wire.NewSessionTicket) {
	mark := wire.BeginNewSessionTicket(w, m.Lifetime, m.AgeAdd, m.Nonce, m.Ticket)
	reencodeBlock(w, m.Extensions, func(x iana.Extension, _ []byte) bool {
		if x == iana.EarlyData {
			wire.PutMaxEarlyData(w, m.MaxEarlyData)
		}
		return x == iana.EarlyData
	})
	w.End(mark)
}

// reencodeBlock writes a block of extensions, each by put or, where that says that it has
// not, as it came. A hello without a block gets none.
func reencodeBlock(w *wire.Writer, block wire.Extensions, put func(x iana.Extension, data []byte) bool) {
	if block == nil {
		return
	}
	mark := w.Begin16()
	for x, data := range block.All() {
		if !put(x, data) {
			ext := w.BeginExtension(x)
			w.Raw(data)
			w.End(ext)
		}
	}
	w.End(mark)
}

func sameBlock(a, b wire.Extensions) bool {
	for x, data := range a.All() {
		if other, ok := b.Get(x); !ok || !bytes.Equal(data, other) {
			return false
		}
	}
	return true
}

func putInClientHello(w *wire.Writer, m *wire.ClientHello, x iana.Extension, data []byte) bool {
	switch x {
	case iana.ServerName:
		if len(data) != 5+len(m.ServerName) {
			return false // names of other types
		}
		wire.PutServerName(w, string(m.ServerName))
	case iana.SupportedVersions:
		wire.PutSupportedVersions(w, m.SupportedVersions.Slice()...)
	case iana.SupportedGroups:
		wire.PutSupportedGroups(w, m.SupportedGroups.Slice())
	case iana.SignatureAlgorithms:
		wire.PutSignatureAlgorithms(w, m.SignatureAlgorithms.Slice())
	case iana.SignatureAlgorithmsCert:
		wire.PutSignatureAlgorithmsCert(w, m.SignatureAlgorithmsCert.Slice())
	case iana.KeyShare:
		shares := wire.BeginKeyShares(w)
		for g, share := range m.KeyShares.All() {
			mark := wire.BeginKeyShare(w, g)
			w.Raw(share)
			w.End(mark)
		}
		wire.EndKeyShares(w, shares)
	case iana.ApplicationLayerProtocolNegotiation:
		var names []string
		for name := range m.ALPN.All() {
			names = append(names, string(name))
		}
		wire.PutALPN(w, names)
	case iana.PSKKeyExchangeModes:
		wire.PutPSKKeyExchangeModes(w, m.PSKKeyExchangeModes...)
	case iana.PreSharedKey:
		psk := wire.BeginPreSharedKey(w)
		for identity, age := range m.PreSharedKey.Identities.All() {
			wire.PutPSKIdentity(w, identity, age)
		}
		psk = wire.BeginPSKBinders(w, psk)
		for binder := range m.PreSharedKey.Binders.All() {
			wire.PutPSKBinder(w, binder)
		}
		wire.EndPreSharedKey(w, psk)
	case iana.EarlyData:
		wire.PutEarlyData(w)
	case iana.Cookie:
		wire.PutCookie(w, m.Cookie)
	case iana.StatusRequest:
		if !m.StatusRequest || len(data) != 5 {
			return false // of another type, or with responders or extensions
		}
		wire.PutStatusRequest(w)
	case iana.SignedCertificateTimestamp:
		wire.PutSCTRequest(w)
	case iana.CertificateAuthorities:
		wire.PutCertificateAuthorities(w, slices.Collect(m.CertificateAuthorities.All()))
	case iana.MaxFragmentLength:
		wire.PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		wire.PutRecordSizeLimit(w, m.RecordSizeLimit)
	case iana.PostHandshakeAuth:
		wire.PutPostHandshakeAuth(w)
	case iana.ExtendedMasterSecret:
		wire.PutExtendedMasterSecret(w)
	case iana.RenegotiationInfo:
		wire.PutRenegotiationInfo(w, m.RenegotiationInfo)
	case iana.SessionTicket:
		wire.PutSessionTicket(w, m.SessionTicket)
	case iana.ECPointFormats:
		wire.PutECPointFormats(w, m.ECPointFormats...)
	case iana.Padding:
		if len(bytes.Trim(data, "\x00")) > 0 {
			return false // it ought to be zeros
		}
		wire.PutPadding(w, len(data))
	default:
		return false
	}
	return true
}

func putInServerHello(w *wire.Writer, m *wire.ServerHello, x iana.Extension) bool {
	if m.SupportedVersion == 0 {
		return false // of TLS 1.2
	}
	switch x {
	case iana.SupportedVersions:
		wire.PutSelectedVersion(w, m.SupportedVersion)
	case iana.KeyShare:
		if m.IsHelloRetryRequest() {
			wire.PutHelloRetryGroup(w, m.KeyShareGroup)
			break
		}
		mark := wire.BeginServerKeyShare(w, m.KeyShareGroup)
		w.Raw(m.KeyShare)
		wire.EndServerKeyShare(w, mark)
	case iana.PreSharedKey:
		wire.PutSelectedIdentity(w, m.SelectedIdentity)
	case iana.Cookie:
		wire.PutCookie(w, m.Cookie)
	default:
		return false
	}
	return true
}

func putInEncryptedExtensions(w *wire.Writer, m *wire.EncryptedExtensions, x iana.Extension) bool {
	switch x {
	case iana.ServerName:
		wire.PutServerNameAck(w)
	case iana.ApplicationLayerProtocolNegotiation:
		wire.PutSelectedALPN(w, string(m.ALPN))
	case iana.EarlyData:
		wire.PutEarlyData(w)
	case iana.MaxFragmentLength:
		wire.PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		wire.PutRecordSizeLimit(w, m.RecordSizeLimit)
	case iana.SupportedGroups:
		wire.PutSupportedGroups(w, m.SupportedGroups.Slice())
	default:
		return false
	}
	return true
}

func putInCertificateRequest(w *wire.Writer, m *wire.CertificateRequest, x iana.Extension) bool {
	switch x {
	case iana.SignatureAlgorithms:
		wire.PutSignatureAlgorithms(w, m.SignatureAlgorithms.Slice())
	case iana.SignatureAlgorithmsCert:
		wire.PutSignatureAlgorithmsCert(w, m.SignatureAlgorithmsCert.Slice())
	case iana.CertificateAuthorities:
		wire.PutCertificateAuthorities(w, slices.Collect(m.CertificateAuthorities.All()))
	case iana.StatusRequest:
		wire.PutEmptyStatusRequest(w)
	case iana.SignedCertificateTimestamp:
		wire.PutSCTRequest(w)
	default:
		return false
	}
	return true
}
