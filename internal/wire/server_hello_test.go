package wire

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestHelloRetryRequestRandomIsItsHash(t *testing.T) {
	if want := sha256.Sum256([]byte("HelloRetryRequest")); HelloRetryRequestRandom != want {
		t.Errorf("%x, want %x", HelloRetryRequestRandom, want)
	}
}

func TestServerHelloFields(t *testing.T) {
	var m ServerHello
	if err := m.Parse(written(t, writeSampleServerHello)[4:], everything); err != nil {
		t.Fatal(err)
	}
	if m.IsHelloRetryRequest() || m.LegacyVersion != iana.TLS12 || !bytes.Equal(m.Random, sampleRandom) || !bytes.Equal(m.SessionID, sampleSession) ||
		m.CipherSuite != iana.TLS_AES_128_GCM_SHA256 || m.SupportedVersion != iana.TLS13 || m.KeyShareGroup != iana.X25519 ||
		!bytes.Equal(m.KeyShare, sampleShare) || m.SelectedIdentity != 1 || !m.Has.Has(iana.PreSharedKey) || m.Cookie != nil {
		t.Errorf("%+v", m)
	}
}

func TestHelloRetryRequestFields(t *testing.T) {
	m := ServerHello{KeyShare: sampleShare, SelectedIdentity: 7}
	var offered Set
	offered.Add(iana.KeyShare)
	offered.Add(iana.SupportedVersions)
	if err := m.Parse(written(t, writeSampleHelloRetryRequest)[4:], offered); err != nil {
		t.Fatal(err)
	}
	if !m.IsHelloRetryRequest() || m.SupportedVersion != iana.TLS13 || m.KeyShareGroup != iana.Secp256r1 ||
		m.KeyShare != nil || !bytes.Equal(m.Cookie, sampleTicket) || m.SelectedIdentity != 0 {
		t.Errorf("%+v", m)
	}
}

func TestServerHelloOfTLS12IsNotJudgedByTLS13(t *testing.T) {
	var m ServerHello
	body := serverHelloWith(sampleRandom, ext(iana.ExtendedMasterSecret), ext(iana.RenegotiationInfo, 0), ext(iana.KeyShare, 1), ext(0x0a0a))
	if err := m.Parse(body, 0); err != nil {
		t.Fatal(err)
	}
	if data, ok := m.Extensions.Get(iana.RenegotiationInfo); !ok || len(data) != 1 {
		t.Errorf("renegotiation_info %x %v", data, ok)
	}
	if m.SupportedVersion != 0 || m.KeyShareGroup != 0 || !m.Has.Has(iana.ExtendedMasterSecret) {
		t.Errorf("%+v", m)
	}
	for _, twice := range []iana.Extension{iana.ExtendedMasterSecret, 0x7777} {
		body = serverHelloWith(sampleRandom, ext(twice), ext(twice))
		wantAlert(t, m.Parse(body, everything), iana.DecodeError, "server_hello", twice.String()+": there twice")
	}
	body = serverHelloWith(sampleRandom)
	if err := m.Parse(body[:len(body)-2], 0); err != nil || m.Extensions != nil {
		t.Errorf("without a block: %v %v", m.Extensions, err)
	}
}

func TestServerHelloMalformed(t *testing.T) {
	version := ext(iana.SupportedVersions, 3, 4)
	longID := append([]byte{3, 3}, append(bytes.Clone(sampleRandom), append([]byte{33}, make([]byte, 36)...)...)...)
	compressed := serverHelloWith(sampleRandom, version)
	compressed[2+32+1+2] = 1
	compressedRetry := serverHelloWith(HelloRetryRequestRandom[:], version)
	compressedRetry[2+32+1+2] = 1
	tests := []struct {
		name    string
		body    []byte
		alert   iana.Alert
		message string
		mention string
	}{
		{"session ID of 33 bytes", longID, iana.DecodeError, "server_hello", "legacy_session_id_echo: 33 bytes"},
		{"TLS 1.3 with compression", compressed, iana.DecodeError, "server_hello", "legacy_compression_method"},
		{"HelloRetryRequest with compression", compressedRetry, iana.DecodeError, "hello_retry_request", "legacy_compression_method"},
		{"TLS 1.2 in supported_versions", serverHelloWith(sampleRandom, ext(iana.SupportedVersions, 3, 3)), iana.IllegalParameter, "server_hello", "extension supported_versions: TLSv1.2 is before"},
		{"0 in supported_versions", serverHelloWith(sampleRandom, ext(iana.SupportedVersions, 0, 0)), iana.IllegalParameter, "server_hello", "extension supported_versions: "},
		{"a list of versions", serverHelloWith(sampleRandom, ext(iana.SupportedVersions, 2, 3, 4)), iana.IllegalParameter, "server_hello", "extension supported_versions: "},
		{"an empty share", serverHelloWith(sampleRandom, version, ext(iana.KeyShare, 0, 29, 0, 0)), iana.DecodeError, "server_hello", "extension key_share: key_exchange: empty"},
		{"a group without a share", serverHelloWith(sampleRandom, version, ext(iana.KeyShare, 0, 29)), iana.DecodeError, "server_hello", "extension key_share: "},
		{"HelloRetryRequest with a share", serverHelloWith(HelloRetryRequestRandom[:], version, ext(iana.KeyShare, 0, 29, 0, 1, 9)), iana.DecodeError, "hello_retry_request", "extension key_share: 3 bytes left over"},
		{"HelloRetryRequest with an empty cookie", serverHelloWith(HelloRetryRequestRandom[:], version, ext(iana.Cookie, 0, 0)), iana.DecodeError, "hello_retry_request", "extension cookie: cookie: empty"},
		{"HelloRetryRequest without supported_versions", serverHelloWith(HelloRetryRequestRandom[:], ext(iana.KeyShare, 0, 29)), iana.MissingExtension, "hello_retry_request", "no supported_versions"},
		{"a cookie in a ServerHello", serverHelloWith(sampleRandom, version, ext(iana.Cookie, 0, 1, 1)), iana.IllegalParameter, "server_hello", "extension cookie: does not belong here"},
		{"an identity of one byte", serverHelloWith(sampleRandom, version, ext(iana.PreSharedKey, 0)), iana.DecodeError, "server_hello", "extension pre_shared_key: 2 bytes wanted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, new(ServerHello).Parse(test.body, everything), test.alert, test.message, test.mention)
		})
	}
}
