package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestCertificateRequestFields(t *testing.T) {
	var m CertificateRequest
	if err := m.Parse(written(t, writeSampleCertificateRequest)[4:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Context, sampleBinder) || !slices.Equal(m.SignatureAlgorithms.Slice(), sampleSchemes) ||
		!slices.Equal(m.SignatureAlgorithmsCert.Slice(), sampleSchemes) || !m.StatusRequest || !m.SCT || !m.Has.Has(iana.StatusRequest) ||
		!slices.EqualFunc(namesOf(m.CertificateAuthorities), sampleNames, bytes.Equal) {
		t.Errorf("%+v", m)
	}
}

func TestCertificateRequestMalformed(t *testing.T) {
	schemes := ext(iana.SignatureAlgorithms, 0, 2, 8, 7)
	tests := []struct {
		name    string
		body    []byte
		alert   iana.Alert
		mention string
	}{
		{"no extensions", []byte{0, 0, 0}, iana.MissingExtension, "no signature_algorithms"},
		{"signature_algorithms_cert alone", append([]byte{0}, block(ext(iana.SignatureAlgorithmsCert, 0, 2, 8, 7))...), iana.MissingExtension, "no signature_algorithms"},
		{"an empty list of schemes", append([]byte{0}, block(ext(iana.SignatureAlgorithms, 0, 0))...), iana.DecodeError, "extension signature_algorithms: "},
		{"no name of an authority", append([]byte{0}, block(schemes, ext(iana.CertificateAuthorities, 0, 0))...), iana.DecodeError, "extension certificate_authorities: "},
		{"a status request as of a client", append([]byte{0}, block(schemes, ext(iana.StatusRequest, 1, 0, 0, 0, 0))...), iana.DecodeError, "extension status_request: 5 bytes left over"},
		{"a context that is cut off", []byte{2, 0}, iana.DecodeError, "certificate_request_context: 2 bytes wanted"},
		{"no extension block", []byte{0}, iana.DecodeError, "extensions: 2 bytes wanted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, new(CertificateRequest).Parse(test.body), test.alert, "certificate_request", test.mention)
		})
	}
}
