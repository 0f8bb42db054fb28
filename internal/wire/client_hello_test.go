package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestClientHelloFields(t *testing.T) {
	var m ClientHello
	body := written(t, writeSampleClientHello)[4:]
	if err := m.Parse(body); err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		field string
		ok    bool
	}{
		{"LegacyVersion", m.LegacyVersion == iana.TLS12},
		{"Random", bytes.Equal(m.Random, sampleRandom)},
		{"SessionID", bytes.Equal(m.SessionID, sampleSession)},
		{"CipherSuites", slices.Equal(m.CipherSuites.Slice(), sampleSuites)},
		{"CompressionMethods", bytes.Equal(m.CompressionMethods, []byte{0})},
		{"ServerName", string(m.ServerName) == "example.com"},
		{"SupportedVersions", slices.Equal(m.SupportedVersions.Slice(), []iana.Version{iana.TLS13, iana.TLS12})},
		{"SupportedGroups", slices.Equal(m.SupportedGroups.Slice(), sampleGroups)},
		{"SignatureAlgorithms", slices.Equal(m.SignatureAlgorithms.Slice(), sampleSchemes)},
		{"SignatureAlgorithmsCert", slices.Equal(m.SignatureAlgorithmsCert.Slice(), sampleSchemes)},
		{"ALPN", slices.Equal(sliceOf(m.ALPN.All()), sampleProtocols)},
		{"PSKKeyExchangeModes", bytes.Equal(m.PSKKeyExchangeModes, []byte{1, 0})},
		{"EarlyData", m.EarlyData},
		{"Cookie", bytes.Equal(m.Cookie, sampleTicket)},
		{"StatusRequest", m.StatusRequest},
		{"SCT", m.SCT},
		{"CertificateAuthorities", slices.EqualFunc(namesOf(m.CertificateAuthorities), sampleNames, bytes.Equal)},
		{"MaxFragmentLength", m.MaxFragmentLength == 4},
		{"RecordSizeLimit", m.RecordSizeLimit == 16385},
		{"PostHandshakeAuth", m.PostHandshakeAuth},
		{"ExtendedMasterSecret", m.ExtendedMasterSecret},
		{"RenegotiationInfo", len(m.RenegotiationInfo) == 0 && m.Has.Has(iana.RenegotiationInfo)},
		{"SessionTicket", bytes.Equal(m.SessionTicket, sampleTicket)},
		{"ECPointFormats", bytes.Equal(m.ECPointFormats, []byte{0})},
		{"BindersLen", bytes.HasSuffix(body, m.PreSharedKey.Binders) && m.PreSharedKey.BindersLen == 2+2*33},
		{"Has", !m.Has.Has(iana.UseSRTP)},
	}
	for _, c := range checks {
		if !c.ok {
			t.Errorf("%s is wrong in %+v", c.field, m)
		}
	}
	if set, err := OfferedExtensions(body); err != nil || set != m.Has {
		t.Errorf("the extensions offered are %b, %v, want %b", set, err, m.Has)
	}
	if _, err := OfferedExtensions(body[:len(body)-1]); err == nil {
		t.Error("extensions are offered by a message that is cut off")
	}

	// A ClientHello that has been used forgets what it had.
	if err := m.Parse(clientHelloWith()); err != nil {
		t.Fatal(err)
	}
	if m.Has != 0 || m.EarlyData || m.ServerName != nil || m.PreSharedKey.BindersLen != 0 {
		t.Errorf("after a second Parse: %+v", m)
	}
}

func TestClientHelloOfTLS12NeedsNoExtensions(t *testing.T) {
	with := clientHelloWith()
	var m ClientHello
	if err := m.Parse(with); err != nil || m.Extensions == nil {
		t.Errorf("an empty block: %v, %v", m.Extensions, err)
	}
	if err := m.Parse(with[:len(with)-2]); err != nil || m.Extensions != nil {
		t.Errorf("no block: %v, %v", m.Extensions, err)
	}
}

func TestClientHelloMalformed(t *testing.T) {
	random := strings.Repeat("r", 32)
	tests := []struct {
		name    string
		body    string
		mention string // "" where the message is well-formed
	}{
		{"session ID of 32 bytes", "\x03\x03" + random + "\x20" + random + "\x00\x02\x13\x01\x01\x00", ""},
		{"session ID of 33 bytes", "\x03\x03" + random + "\x21" + random + "r\x00\x02\x13\x01\x01\x00", "legacy_session_id: 33 bytes, more than 32"},
		{"no cipher suite", "\x03\x03" + random + "\x00\x00\x00\x01\x00", "cipher_suites: 0 bytes"},
		{"half a cipher suite", "\x03\x03" + random + "\x00\x00\x03\x13\x01\x13\x01\x00", "cipher_suites: 3 bytes"},
		{"no compression method", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x00", "legacy_compression_methods: empty"},
		{"extra compression methods", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x02\x01\x00", ""},
		{"a random too short", "\x03\x03" + random[1:], "random: 32 bytes wanted, 31 there"},
		{"extensions longer than the rest", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x01\x00\x00\x01", "extensions: 1 bytes wanted, 0 there"},
		{"extensions shorter than the rest", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x01\x00\x00\x00\x00", "1 bytes left over"},
		{"half an extension", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x01\x00\x00\x03\x00\x33\x00", "extensions: 2 bytes wanted, 1 there"},
		{"an extension longer than its block", "\x03\x03" + random + "\x00\x00\x02\x13\x01\x01\x00\x00\x05\x00\x33\x00\x02\x00", "extensions: 2 bytes wanted, 1 there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := new(ClientHello).Parse([]byte(test.body))
			if test.mention == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantAlert(t, err, iana.DecodeError, "client_hello", test.mention)
		})
	}
}

func TestClientHelloPreSharedKeyMustBeLast(t *testing.T) {
	var w Writer
	psk := BeginPreSharedKey(&w)
	PutPSKIdentity(&w, []byte("id"), 0)
	psk = BeginPSKBinders(&w, psk)
	PutPSKBinder(&w, sampleBinder)
	EndPreSharedKey(&w, psk)
	if err := new(ClientHello).Parse(clientHelloWith(ext(iana.EarlyData), w.B)); err != nil {
		t.Errorf("last: %v", err)
	}
	for _, after := range [][]byte{ext(iana.EarlyData), ext(0x0a0a)} {
		err := new(ClientHello).Parse(clientHelloWith(w.B, after))
		wantAlert(t, err, iana.IllegalParameter, "client_hello", "extension pre_shared_key: not the last extension")
	}
}

// Extensions that this package carries for others to read are not looked into.
func TestClientHelloRawExtensions(t *testing.T) {
	for _, kind := range []iana.Extension{iana.UseSRTP, iana.ClientCertificateType, iana.ServerCertificateType, iana.CompressCertificate,
		iana.QUICTransportParameters, iana.EncryptedClientHello} {
		var m ClientHello
		if err := m.Parse(clientHelloWith(ext(kind, 1, 2, 3))); err != nil {
			t.Errorf("%v: %v", kind, err)
		}
		if data, ok := m.Extensions.Get(kind); !ok || !bytes.Equal(data, []byte{1, 2, 3}) || !m.Has.Has(kind) {
			t.Errorf("%v: %x %v", kind, data, ok)
		}
	}
}
