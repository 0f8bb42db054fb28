package sig

// Parts of the input of a CertificateVerify. RFC 8446, Section 4.4.3.
const (
	padding       = "                                                                " // 64 spaces
	clientContext = "TLS 1.3, client CertificateVerify\x00"
	serverContext = "TLS 1.3, server CertificateVerify\x00"
)

// MaxCertificateVerifyInputLen is the length in bytes of what AppendCertificateVerifyInput
// appends with the longest hash, SHA-384 of the TLS 1.3 suites.
const MaxCertificateVerifyInputLen = len(padding) + len(serverContext) + 48

// AppendCertificateVerifyInput appends the message that a CertificateVerify of TLS 1.3
// signs to dst: 64 spaces, the context of the side that signs, a zero byte and the
// transcript hash up to the Certificate. RFC 8446, Section 4.4.3.
func AppendCertificateVerifyInput(dst []byte, server bool, transcriptHash []byte) []byte {
	context := clientContext
	if server {
		context = serverContext
	}
	dst = append(dst, padding...)
	dst = append(dst, context...)
	return append(dst, transcriptHash...)
}
