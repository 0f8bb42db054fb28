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

	// anywhere is the place of a block which the rules of TLS 1.3 do not judge.
	anywhere place = 0

	inAnswer = inServerHello | inHelloRetryRequest | inEncryptedExtensions | inCertificate
)

// duplicateAlert returns the alert for an extension that is there twice. RFC 8446 names
// none; these are the ones that BoringSSL's test suite expects.
func (p place) duplicateAlert() iana.Alert {
	switch p {
	case inClientHello, inEncryptedExtensions, anywhere:
		return iana.DecodeError
	}
	return iana.IllegalParameter
}

// placement is the table of RFC 8446, Section 4.2, with the extensions of later RFCs and
// those of TLS 1.2, which stand in the ClientHello that offers both versions. Its index is
// that of bit; an extension without a row is unknown.
var placement = [unknownBit + 1]place{
	iana.ServerName:                          inClientHello | inEncryptedExtensions,
	iana.MaxFragmentLength:                   inClientHello | inEncryptedExtensions,
	iana.StatusRequest:                       inClientHello | inCertificateRequest | inCertificate,
	iana.SupportedGroups:                     inClientHello | inEncryptedExtensions,
	iana.ECPointFormats:                      inClientHello,
	iana.SignatureAlgorithms:                 inClientHello | inCertificateRequest,
	iana.UseSRTP:                             inClientHello | inEncryptedExtensions,
	iana.ApplicationLayerProtocolNegotiation: inClientHello | inEncryptedExtensions,
	iana.SignedCertificateTimestamp:          inClientHello | inCertificateRequest | inCertificate,
	iana.ClientCertificateType:               inClientHello | inEncryptedExtensions,
	iana.ServerCertificateType:               inClientHello | inEncryptedExtensions,
	iana.Padding:                             inClientHello,
	iana.EncryptThenMAC:                      inClientHello,
	iana.ExtendedMasterSecret:                inClientHello,
	iana.CompressCertificate:                 inClientHello | inCertificateRequest,
	iana.RecordSizeLimit:                     inClientHello | inEncryptedExtensions,
	iana.SessionTicket:                       inClientHello,
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
	renegotiationInfoBit:                     inClientHello,
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
