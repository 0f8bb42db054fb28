package wire

import "github.com/s2ngo/s2ngo/iana"

// place is a set of messages in which an extension may stand.
type place uint8

const (
	inClientHello place = 1 << iota
	inServerHello
	inHelloRetryRequest
	inEncryptedExtensions
	inCertificate
	inCertificateRequest
	inNewSessionTicket
	inServerHello12 // of TLS 1.2

	// anywhere is the place of a block which the rules of TLS 1.3 do not judge.
	anywhere place = 0

	inAnswer = inServerHello | inHelloRetryRequest | inEncryptedExtensions | inCertificate | inServerHello12
)

// duplicateAlert returns the alert for an extension that is there twice. RFC 8446 names
// none; these are the ones that BoringSSL's test suite expects.
func (p place) duplicateAlert() iana.Alert {
	switch p {
	case inClientHello, inEncryptedExtensions, inServerHello12, anywhere:
		return iana.DecodeError
	}
	return iana.IllegalParameter
}

// placement is the table of RFC 8446, Section 4.2, with the extensions of later RFCs and
// those of TLS 1.2, whose ServerHello has a place of its own beside that of TLS 1.3. Its
// index is that of bit; an extension without a row is unknown.
//
// supported_groups has no business in a ServerHello of TLS 1.2, but servers are out there
// that send it, and every client puts up with it.
var placement = [unknownBit + 1]place{
	iana.ServerName:                          inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.MaxFragmentLength:                   inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.StatusRequest:                       inClientHello | inServerHello12 | inCertificateRequest | inCertificate,
	iana.SupportedGroups:                     inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.ECPointFormats:                      inClientHello | inServerHello12,
	iana.SignatureAlgorithms:                 inClientHello | inCertificateRequest,
	iana.UseSRTP:                             inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.ApplicationLayerProtocolNegotiation: inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.SignedCertificateTimestamp:          inClientHello | inServerHello12 | inCertificateRequest | inCertificate,
	iana.ClientCertificateType:               inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.ServerCertificateType:               inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.Padding:                             inClientHello,
	iana.EncryptThenMAC:                      inClientHello | inServerHello12,
	iana.ExtendedMasterSecret:                inClientHello | inServerHello12,
	iana.CompressCertificate:                 inClientHello | inCertificateRequest,
	iana.RecordSizeLimit:                     inClientHello | inServerHello12 | inEncryptedExtensions,
	iana.SessionTicket:                       inClientHello | inServerHello12,
	iana.PreSharedKey:                        inClientHello | inServerHello,
	iana.EarlyData:                           inClientHello | inEncryptedExtensions | inNewSessionTicket,
	iana.SupportedVersions:                   inClientHello | inServerHello | inHelloRetryRequest,
	iana.Cookie:                              inClientHello | inHelloRetryRequest,
	iana.PSKKeyExchangeModes:                 inClientHello,
	iana.CertificateAuthorities:              inClientHello | inCertificateRequest,
	iana.OIDFilters:                          inCertificateRequest,
	iana.PostHandshakeAuth:                   inClientHello,
	iana.SignatureAlgorithmsCert:             inClientHello | inCertificateRequest,
	iana.KeyShare:                            inClientHello | inServerHello | inHelloRetryRequest,
	iana.QUICTransportParameters:             inClientHello | inEncryptedExtensions,
	encryptedClientHelloBit:                  inClientHello | inHelloRetryRequest | inEncryptedExtensions,
	renegotiationInfoBit:                     inClientHello | inServerHello12,
}

// Low code points are their own index; of the two high ones that are known each has one.
const (
	encryptedClientHelloBit = 62
	renegotiationInfoBit    = 63
	unknownBit              = 64 // outside of a Set
)

// bit returns the index of t in placement and in a Set.
func bit(t iana.Extension) uint {
	switch {
	case t < encryptedClientHelloBit:
		return uint(t)
	case t == iana.EncryptedClientHello:
		return encryptedClientHelloBit
	case t == iana.RenegotiationInfo:
		return renegotiationInfoBit
	}
	return unknownBit
}
