package wire

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestCertificateFields(t *testing.T) {
	var m Certificate
	if err := m.Parse(written(t, writeSampleCertificate)[4:], everything, 2); err != nil {
		t.Fatal(err)
	}
	var entries []CertificateEntry
	for e := range m.All() {
		entries = append(entries, e)
	}
	if !bytes.Equal(m.Context, sampleBinder) || m.Len() != 2 || len(entries) != 2 {
		t.Fatalf("%+v", m)
	}
	if e := entries[0]; !bytes.Equal(e.DER, sampleDER) || !bytes.Equal(e.OCSPResponse, sampleTicket) || !bytes.Equal(e.SCTList, sampleSCTs) {
		t.Errorf("first entry %+v", e)
	}
	if e := entries[1]; !bytes.Equal(e.DER, sampleDER[1:]) || e.OCSPResponse != nil || e.SCTList != nil || len(e.Extensions) != 0 {
		t.Errorf("second entry %+v", e)
	}
	for e := range m.All() {
		if len(e.DER) != len(sampleDER) {
			t.Error("went on after the first entry")
		}
		break
	}
}

func TestCertificateWithoutEntries(t *testing.T) {
	var m Certificate
	if err := m.Parse([]byte{0, 0, 0, 0}, 0, 0); err != nil || m.Len() != 0 {
		t.Errorf("%d entries, %v", m.Len(), err)
	}
}

func TestCertificateOfTooManyEntries(t *testing.T) {
	body := written(t, writeSampleCertificate)[4:]
	for _, n := range []int{1, 0, -1} {
		wantAlert(t, new(Certificate).Parse(body, everything, n), iana.CertificateUnknown, "certificate", "more than ")
	}
}

func TestCertificateMalformed(t *testing.T) {
	// entry returns a body of one good entry and one with these extensions.
	entry := func(extensions ...[]byte) []byte {
		var w Writer
		m := BeginCertificate(&w, nil)
		PutCertificateEntry(&w, []byte{0x30}, nil, nil)
		w.vec24([]byte{0x30})
		w.Raw(block(extensions...))
		EndCertificate(&w, m)
		return w.B[4:]
	}
	tests := []struct {
		name    string
		body    []byte
		alert   iana.Alert
		mention string
	}{
		{"an empty certificate", []byte{0, 0, 0, 5, 0, 0, 0, 0, 0}, iana.DecodeError, "entry 0: cert_data: empty"},
		{"an entry without extensions", []byte{0, 0, 0, 4, 0, 0, 1, 0x30}, iana.DecodeError, "entry 0: extensions: 2 bytes wanted"},
		{"a list that is cut off", []byte{0, 0, 0, 5, 0, 0, 1, 0x30}, iana.DecodeError, "certificate_list: 5 bytes wanted"},
		{"an OCSP response of another type", entry(ext(iana.StatusRequest, 2, 0, 0, 1, 9)), iana.DecodeError, "entry 1: extension status_request: status_type: 2 is not ocsp"},
		{"an empty OCSP response", entry(ext(iana.StatusRequest, 1, 0, 0, 0)), iana.DecodeError, "entry 1: extension status_request: ocsp_response: empty"},
		{"bytes after the OCSP response", entry(ext(iana.StatusRequest, 1, 0, 0, 1, 9, 0)), iana.DecodeError, "entry 1: extension status_request: 1 bytes left over"},
		{"an empty status_request", entry(ext(iana.StatusRequest)), iana.DecodeError, "entry 1: extension status_request: "},
		{"an empty list of timestamps", entry(ext(iana.SignedCertificateTimestamp, 0, 0)), iana.DecodeError, "entry 1: extension signed_certificate_timestamp: sct_list: empty"},
		{"an empty timestamp", entry(ext(iana.SignedCertificateTimestamp, 0, 5, 0, 1, 7, 0, 0)), iana.DecodeError, "entry 1: extension signed_certificate_timestamp: sct_list: empty"},
		{"bytes after the timestamps", entry(ext(iana.SignedCertificateTimestamp, 0, 3, 0, 1, 7, 0)), iana.DecodeError, "entry 1: extension signed_certificate_timestamp: 1 bytes left over"},
		{"an extension of the hello", entry(ext(iana.ServerName)), iana.IllegalParameter, "entry 1: extension server_name: does not belong here"},
		{"an unknown extension", entry(ext(0x7f)), iana.UnsupportedExtension, "entry 1: extension 0x007f: was not offered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, new(Certificate).Parse(test.body, everything, 8), test.alert, "certificate", test.mention)
		})
	}
}
