package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestServerHello12Fields(t *testing.T) {
	var m ServerHello
	if err := m.Parse(written(t, writeSampleServerHello12)[4:], 0); err != nil {
		t.Fatal(err)
	}
	if m.SupportedVersion != 0 || m.ExtendedMasterSecret || m.SCTList != nil {
		t.Errorf("before Parse12: %+v", m)
	}
	var offered Set
	for kind := range m.Extensions.All() {
		offered.Add(kind)
	}
	if err := m.Parse12(offered); err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		field string
		ok    bool
	}{
		{"CipherSuite", m.CipherSuite == iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{"SessionID", bytes.Equal(m.SessionID, sampleSession)},
		{"Has", m.Has == offered},
		{"ExtendedMasterSecret", m.ExtendedMasterSecret},
		{"RenegotiationInfo", bytes.Equal(m.RenegotiationInfo, sampleVerifyData)},
		{"SessionTicket", m.SessionTicket},
		{"StatusRequest", m.StatusRequest},
		{"ServerName", m.ServerName},
		{"ALPN", string(m.ALPN) == sampleProtocol},
		{"ECPointFormats", bytes.Equal(m.ECPointFormats, []byte{1, 0})},
		{"SCTList", bytes.Equal(m.SCTList, sampleSCTs)},
		{"MaxFragmentLength", m.MaxFragmentLength == 3},
		{"RecordSizeLimit", m.RecordSizeLimit == 1000},
	}
	for _, c := range checks {
		if !c.ok {
			t.Errorf("%s is wrong in %+v", c.field, m)
		}
	}
}

func TestServerHello12Malformed(t *testing.T) {
	tests := []struct {
		name    string
		x       []byte
		alert   iana.Alert
		mention string
	}{
		{"contents in extended_master_secret", ext(iana.ExtendedMasterSecret, 0), iana.DecodeError, "extension extended_master_secret: 1 bytes left over"},
		{"a ticket", ext(iana.SessionTicket, 1), iana.DecodeError, "extension session_ticket: 1 bytes left over"},
		{"an OCSP request", ext(iana.StatusRequest, 1, 0, 0, 0, 0), iana.DecodeError, "extension status_request: 5 bytes left over"},
		{"a host name", ext(iana.ServerName, 0, 4, 0, 0, 1, 'a'), iana.DecodeError, "extension server_name: 6 bytes left over"},
		{"contents in encrypt_then_mac", ext(iana.EncryptThenMAC, 0), iana.DecodeError, "extension encrypt_then_mac: 1 bytes left over"},
		{"renegotiation_info without its length", ext(iana.RenegotiationInfo), iana.DecodeError, "extension renegotiation_info: renegotiated_connection: 1 bytes wanted"},
		{"no protocol", ext(iana.ApplicationLayerProtocolNegotiation, 0, 0), iana.DecodeError, "protocol_name_list: empty"},
		{"two protocols", ext(iana.ApplicationLayerProtocolNegotiation, 0, 4, 1, 'a', 1, 'b'), iana.DecodeError, "more than one name"},
		{"no point formats", ext(iana.ECPointFormats, 0), iana.DecodeError, "ec_point_format_list: empty"},
		{"point formats that are cut off", ext(iana.ECPointFormats, 2, 1), iana.DecodeError, "ec_point_format_list: 2 bytes wanted"},
		{"compressed points alone", ext(iana.ECPointFormats, 2, 1, 2), iana.IllegalParameter, "ec_point_format_list: no uncompressed"},
		{"an empty list of timestamps", ext(iana.SignedCertificateTimestamp, 0, 0), iana.DecodeError, "sct_list: empty"},
		{"max_fragment_length 5", ext(iana.MaxFragmentLength, 5), iana.IllegalParameter, "code 5"},
		{"record_size_limit 63", ext(iana.RecordSizeLimit, 0, 63), iana.IllegalParameter, "63 bytes, less than 64"},
		{"a key share", ext(iana.KeyShare, 0, 29, 0, 1, 9), iana.IllegalParameter, "extension key_share: does not belong here"},
		{"signature algorithms", ext(iana.SignatureAlgorithms, 0, 2, 8, 7), iana.IllegalParameter, "extension signature_algorithms: does not belong here"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var m ServerHello
			if err := m.Parse(serverHelloWith(sampleRandom, test.x), 0); err != nil {
				t.Fatal(err)
			}
			wantAlert(t, m.Parse12(everything), test.alert, "server_hello", test.mention)
		})
	}
}

// The groups of a server, which it should not send, are put up with, whatever they are.
func TestServerHello12ToleratesGroups(t *testing.T) {
	var m ServerHello
	if err := m.Parse(serverHelloWith(sampleRandom, ext(iana.SupportedGroups, 1, 2, 3)), 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Parse12(everything); err != nil {
		t.Error(err)
	}
}

func TestServerHello12WithCompression(t *testing.T) {
	body := serverHelloWith(sampleRandom)
	body[2+32+1+2] = 1
	var m ServerHello
	if err := m.Parse(body, 0); err != nil {
		t.Fatal(err)
	}
	wantAlert(t, m.Parse12(0), iana.IllegalParameter, "server_hello", "compression_method: not null")
}

func TestServerHello12WithoutExtensions(t *testing.T) {
	body := serverHelloWith(sampleRandom)
	for _, body := range [][]byte{body, body[:len(body)-2]} {
		var m ServerHello
		if err := m.Parse(body, 0); err != nil {
			t.Fatal(err)
		}
		if err := m.Parse12(0); err != nil || m.Has != 0 || m.RenegotiationInfo != nil {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

func TestCertificate12Fields(t *testing.T) {
	var m Certificate12
	if err := m.Parse(written(t, writeSampleCertificate12)[4:], 2); err != nil {
		t.Fatal(err)
	}
	want := []string{string(sampleDER), string(sampleDER[1:])}
	if got := sliceOf(m.All()); m.Len() != 2 || !slices.Equal(got, want) {
		t.Errorf("%d certificates: %x", m.Len(), got)
	}
	for range m.All() {
		break // is allowed
	}
	if err := m.Parse([]byte{0, 0, 0}, 0); err != nil || m.Len() != 0 {
		t.Errorf("an empty chain: %d certificates, %v", m.Len(), err)
	}
	for _, n := range []int{1, 0, -1} {
		err := m.Parse(written(t, writeSampleCertificate12)[4:], n)
		wantAlert(t, err, iana.CertificateUnknown, "certificate", "more than ")
	}
	wantAlert(t, m.Parse([]byte{0, 0, 3, 0, 0, 0}, 1), iana.DecodeError, "certificate", "entry 0: empty")
	wantAlert(t, m.Parse([]byte{0, 0, 6, 0, 0, 1, 9, 0, 0}, 2), iana.DecodeError, "certificate", "entry 1: 3 bytes wanted, 2 there")
}

func TestServerECDHEFields(t *testing.T) {
	body := written(t, writeSampleServerECDHE)[4:]
	m, err := ParseServerECDHE(body)
	if err != nil {
		t.Fatal(err)
	}
	if m.Group != iana.Secp256r1 || !bytes.Equal(m.Point, sampleShare) || m.Scheme != iana.ECDSASecp256r1SHA256 || !bytes.Equal(m.Signature, sampleBinder) {
		t.Errorf("%+v", m)
	}
	if !bytes.Equal(m.Raw, sampleParams) || cap(m.Raw) != len(m.Raw) {
		t.Errorf("Raw % x with a capacity of %d, want % x", m.Raw, cap(m.Raw), sampleParams)
	}
}

func TestServerDHEFields(t *testing.T) {
	body := written(t, writeSampleServerDHE)[4:]
	m, err := ParseServerDHE(body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.P, sampleDER) || !bytes.Equal(m.G, []byte{2}) || !bytes.Equal(m.Ys, sampleDER[1:]) ||
		m.Scheme != iana.RSAPSSRSAESHA256 || !bytes.Equal(m.Signature, sampleTicket) {
		t.Errorf("%+v", m)
	}
	if !bytes.Equal(m.Raw, sampleParamsDH) || cap(m.Raw) != len(m.Raw) {
		t.Errorf("Raw % x with a capacity of %d, want % x", m.Raw, cap(m.Raw), sampleParamsDH)
	}
}

func TestKeyExchangesMalformed(t *testing.T) {
	ecdhe := func(b []byte) error { _, err := ParseServerECDHE(b); return err }
	dhe := func(b []byte) error { _, err := ParseServerDHE(b); return err }
	clientECDHE := func(b []byte) error { _, err := ParseClientECDHE(b); return err }
	clientDHE := func(b []byte) error { _, err := ParseClientDHE(b); return err }
	clientRSA := func(b []byte) error { _, err := ParseClientRSA(b); return err }
	const server, client = "server_key_exchange", "client_key_exchange"
	tests := []struct {
		name    string
		parse   func([]byte) error
		body    string
		message string
		alert   iana.Alert
		mention string
	}{
		{"an explicit prime curve", ecdhe, "\x01\x00\x17\x01p\x04\x03\x00\x00", server, iana.IllegalParameter, "curve_type: 1 is not named_curve"},
		{"an explicit curve of characteristic 2", ecdhe, "\x02\x00\x17\x01p\x04\x03\x00\x00", server, iana.IllegalParameter, "curve_type: 2 is not named_curve"},
		{"a private curve type", ecdhe, "\xff", server, iana.IllegalParameter, "curve_type: 255 is not named_curve"},
		{"no curve type", ecdhe, "", server, iana.DecodeError, "curve_type: 1 bytes wanted"},
		{"half a curve", ecdhe, "\x03\x00", server, iana.DecodeError, "namedcurve: 2 bytes wanted"},
		{"an empty point", ecdhe, "\x03\x00\x17\x00\x04\x03\x00\x01s", server, iana.DecodeError, "point: empty"},
		{"a point that is cut off", ecdhe, "\x03\x00\x17\x02p", server, iana.DecodeError, "point: 2 bytes wanted, 1 there"},
		{"a point without a signature", ecdhe, "\x03\x00\x17\x01p", server, iana.DecodeError, "algorithm: 2 bytes wanted"},
		{"a signature longer than the rest", ecdhe, "\x03\x00\x17\x01p\x04\x03\x00\x02s", server, iana.DecodeError, "signature: 2 bytes wanted, 1 there"},
		{"bytes after the signature", ecdhe, "\x03\x00\x17\x01p\x04\x03\x00\x01s!", server, iana.DecodeError, "1 bytes left over"},

		{"an empty prime", dhe, "\x00\x00\x00\x01g\x00\x01y\x08\x04\x00\x01s", server, iana.DecodeError, "dh_p: empty"},
		{"an empty generator", dhe, "\x00\x01p\x00\x00\x00\x01y\x08\x04\x00\x01s", server, iana.DecodeError, "dh_g: empty"},
		{"an empty public value", dhe, "\x00\x01p\x00\x01g\x00\x00\x08\x04\x00\x01s", server, iana.DecodeError, "dh_Ys: empty"},
		{"a public value longer than the rest", dhe, "\x00\x01p\x00\x01g\x00\x02y", server, iana.DecodeError, "dh_Ys: 2 bytes wanted, 1 there"},
		{"DH parameters alone", dhe, "\x00\x01p\x00\x01g\x00\x01y", server, iana.DecodeError, "algorithm: 2 bytes wanted"},

		{"no point at all", clientECDHE, "", client, iana.DecodeError, "ecdh_Yc: 1 bytes wanted"},
		{"an empty point of a client", clientECDHE, "\x00", client, iana.DecodeError, "ecdh_Yc: empty"},
		{"a point under a length of two bytes", clientECDHE, "\x00\x01p", client, iana.DecodeError, "ecdh_Yc: empty"},
		{"a point longer than the rest", clientECDHE, "\x02p", client, iana.DecodeError, "ecdh_Yc: 2 bytes wanted, 1 there"},
		{"bytes after the point", clientECDHE, "\x01p!", client, iana.DecodeError, "1 bytes left over"},
		{"an empty public value of a client", clientDHE, "\x00\x00", client, iana.DecodeError, "dh_Yc: empty"},
		{"half a length", clientDHE, "\x00", client, iana.DecodeError, "dh_Yc: 2 bytes wanted"},
		{"bytes after the public value", clientDHE, "\x00\x01y!", client, iana.DecodeError, "1 bytes left over"},
		{"an empty premaster secret", clientRSA, "\x00\x00", client, iana.DecodeError, "encrypted_pre_master_secret: empty"},
		{"a premaster secret without its length, as in SSLv3", clientRSA, strings.Repeat("e", 256), client, iana.DecodeError, "encrypted_pre_master_secret: 25957 bytes wanted, 254 there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, test.parse([]byte(test.body)), test.alert, test.message, test.mention)
		})
	}
}

func TestClientKeyExchangesLendTheirOnlyField(t *testing.T) {
	tests := []struct {
		name  string
		body  string
		parse func([]byte) ([]byte, error)
	}{
		{"ECDHE", "\x03abc", ParseClientECDHE},
		{"DHE", "\x00\x03abc", ParseClientDHE},
		{"RSA", "\x00\x03abc", ParseClientRSA},
	}
	for _, test := range tests {
		if got, err := test.parse([]byte(test.body)); err != nil || string(got) != "abc" {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func TestFieldTooLongToWrite(t *testing.T) {
	tests := []struct {
		name  string
		write func(*Writer)
	}{
		{"a point of 256 bytes", func(w *Writer) { AppendClientECDHE(w, make([]byte, 256)) }},
		{"a premaster secret of 65536 bytes", func(w *Writer) { AppendClientRSA(w, make([]byte, 1<<16)) }},
		{"a public value of 65536 bytes", func(w *Writer) { AppendClientDHE(w, make([]byte, 1<<16)) }},
		{"a signature of 65536 bytes", func(w *Writer) { AppendServerKeyExchange(w, nil, 0, make([]byte, 1<<16)) }},
		{"a ticket of 65536 bytes", func(w *Writer) { AppendNewSessionTicket12(w, 0, make([]byte, 1<<16)) }},
		{"256 certificate types", func(w *Writer) { AppendCertificateRequest12(w, make([]byte, 256), nil, nil) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w Writer
			test.write(&w)
			wantAlert(t, w.Err(), iana.InternalError, "write", "vector of ")
		})
	}
}

func TestCertificateRequest12Fields(t *testing.T) {
	var m CertificateRequest12
	w := Writer{}
	AppendCertificateRequest12(&w, sampleTypes, sampleSchemes, sampleNames)
	if err := m.Parse(w.B[4:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.CertificateTypes, []byte{1, 64}) || !slices.Equal(m.SignatureAlgorithms.Slice(), sampleSchemes) ||
		!slices.EqualFunc(namesOf(m.CertificateAuthorities), sampleNames, bytes.Equal) {
		t.Errorf("%+v", m)
	}
	if err := m.Parse([]byte("\x01\x01\x00\x02\x04\x01\x00\x00")); err != nil || len(m.CertificateAuthorities) != 0 {
		t.Errorf("without authorities: %+v, %v", m, err)
	}
}

func TestShortMessages12Malformed(t *testing.T) {
	tests := []struct {
		name    string
		parse   func([]byte) error
		body    string
		message string
		mention string
	}{
		{"no certificate types", new(CertificateRequest12).Parse, "\x00\x00\x02\x04\x01\x00\x00", "certificate_request", "certificate_types: empty"},
		{"no signature algorithms", new(CertificateRequest12).Parse, "\x01\x01\x00\x00\x00\x00", "certificate_request", "supported_signature_algorithms: 0 bytes"},
		{"half a signature algorithm", new(CertificateRequest12).Parse, "\x01\x01\x00\x01\x04\x00\x00", "certificate_request", "supported_signature_algorithms: 1 bytes"},
		{"a request as TLS 1.1 has it", new(CertificateRequest12).Parse, "\x01\x01\x00\x00", "certificate_request", "supported_signature_algorithms: 0 bytes"},
		{"an empty name of an authority", new(CertificateRequest12).Parse, "\x01\x01\x00\x02\x04\x01\x00\x02\x00\x00", "certificate_request", "certificate_authorities: empty"},
		{"a name longer than its list", new(CertificateRequest12).Parse, "\x01\x01\x00\x02\x04\x01\x00\x03\x00\x02n", "certificate_request", "certificate_authorities: 2 bytes wanted, 1 there"},

		{"a status of another type", new(CertificateStatus).Parse, "\x02\x00\x00\x01r", "certificate_status", "status_type: 2 is not ocsp"},
		{"an empty OCSP response", new(CertificateStatus).Parse, "\x01\x00\x00\x00", "certificate_status", "ocsp_response: empty"},

		{"a ticket longer than the rest", new(NewSessionTicket12).Parse, "\x00\x00\x00\x00\x00\x01", "new_session_ticket", "ticket: 1 bytes wanted"},
		{"a ticket of TLS 1.3", new(NewSessionTicket12).Parse, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01t\x00\x00", "new_session_ticket", "left over"},

		{"contents in server_hello_done", new(ServerHelloDone).Parse, "\x00", "server_hello_done", "1 bytes left over"},
		{"contents in hello_request", new(HelloRequest).Parse, "\x00", "hello_request", "1 bytes left over"},

		{"an empty Finished", new(Finished12).Parse, "", "finished", "verify_data: 0 bytes instead of 12"},
		{"a Finished of 11 bytes", new(Finished12).Parse, "01234567890", "finished", "verify_data: 11 bytes instead of 12"},
		{"a Finished of 13 bytes", new(Finished12).Parse, "0123456789012", "finished", "verify_data: 13 bytes instead of 12"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, test.parse([]byte(test.body)), iana.DecodeError, test.message, test.mention)
		})
	}
}

func TestNewSessionTicket12Fields(t *testing.T) {
	var m NewSessionTicket12
	if err := m.Parse([]byte("\x00\x00\x1c\x20\x00\x02tt")); err != nil || m.LifetimeHint != 7200 || string(m.Ticket) != "tt" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := m.Parse(make([]byte, 6)); err != nil || m.LifetimeHint != 0 || len(m.Ticket) != 0 {
		t.Errorf("an empty ticket: %+v, %v", m, err)
	}
}
