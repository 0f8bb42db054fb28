package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// sslv2Hello returns a ClientHello in the framing of SSLv2 without its length.
func sslv2Hello(specs, sessionID, challenge string) []byte {
	var w Writer
	w.Raw([]byte{1, 3, 3})
	w.U16(uint16(len(specs)))
	w.U16(uint16(len(sessionID)))
	w.U16(uint16(len(challenge)))
	w.RawString(specs + sessionID + challenge)
	return w.B
}

const (
	sslv2Specs = "\x07\x00\xc0" + "\x00\xc0\x2f" + "\x01\x00\x80" + "\x00\x00\x9c" + "\x00\x00\xff"
	challenge  = "0123456789abcdef"
)

func TestSSLv2ClientHelloBecomesAClientHello(t *testing.T) {
	for _, length := range []int{16, 17, 31, 32} {
		random := strings.Repeat(challenge, 2)[:length]
		body := sslv2Hello(sslv2Specs, "", random)
		hello, err := ParseSSLv2ClientHello([]byte("before"), body)
		if err != nil {
			t.Fatal(err)
		}
		hello, ok := bytes.CutPrefix(hello, []byte("before"))
		if !ok || hello[0] != byte(iana.ClientHello) || int(hello[3]) != len(hello)-4 {
			t.Fatalf("% x", hello)
		}
		var m ClientHello
		if err := m.Parse(hello[4:]); err != nil {
			t.Fatal(err)
		}
		suites := []iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV}
		if m.LegacyVersion != iana.TLS12 || string(m.Random) != strings.Repeat("\x00", 32-length)+random || len(m.SessionID) != 0 ||
			!slices.Equal(m.CipherSuites.Slice(), suites) || !bytes.Equal(m.CompressionMethods, []byte{0}) || m.Extensions != nil {
			t.Errorf("challenge of %d bytes: %+v", length, m)
		}
	}
}

func TestSSLv2ClientHelloKeepsItsVersion(t *testing.T) {
	for _, v := range []iana.Version{0x0002, iana.SSL30, iana.TLS10, iana.TLS13, 0xffff} {
		body := sslv2Hello(sslv2Specs, "", challenge)
		body[1], body[2] = byte(v>>8), byte(v)
		hello, err := ParseSSLv2ClientHello(nil, body)
		if err != nil {
			t.Fatal(err)
		}
		var m ClientHello
		if err := m.Parse(hello[4:]); err != nil || m.LegacyVersion != v {
			t.Errorf("%v, %v, want %v", m.LegacyVersion, err, v)
		}
	}
}

func TestSSLv2ClientHelloMalformed(t *testing.T) {
	other := sslv2Hello(sslv2Specs, "", challenge)
	other[0] = 2
	tests := []struct {
		name    string
		body    []byte
		alert   iana.Alert
		mention string
	}{
		{"nothing", nil, iana.DecodeError, "msg_type: 1 bytes wanted"},
		{"another message", other, iana.IllegalParameter, "msg_type: 2 is not client_hello"},
		{"no cipher specs", sslv2Hello("", "", challenge), iana.DecodeError, "cipher_spec_length: 0 bytes are no list of three-byte values"},
		{"a third of a cipher spec", sslv2Hello(sslv2Specs+"\x00", "", challenge), iana.DecodeError, "cipher_spec_length: 16 bytes"},
		{"two thirds of a cipher spec", sslv2Hello(sslv2Specs+"\x00\xc0", "", challenge), iana.DecodeError, "cipher_spec_length: 17 bytes"},
		{"cipher specs of SSLv2 alone", sslv2Hello("\x07\x00\xc0\x01\x00\x80", "", challenge), iana.HandshakeFailure, "cipher_specs: none of TLS"},
		{"a session ID", sslv2Hello(sslv2Specs, "s", challenge), iana.IllegalParameter, "session_id_length: 1 instead of 0"},
		{"no challenge", sslv2Hello(sslv2Specs, "", ""), iana.DecodeError, "challenge_length: 0 bytes instead of 16 to 32"},
		{"a challenge of 15 bytes", sslv2Hello(sslv2Specs, "", challenge[1:]), iana.DecodeError, "challenge_length: 15 bytes"},
		{"a challenge of 33 bytes", sslv2Hello(sslv2Specs, "", challenge+challenge+"!"), iana.DecodeError, "challenge_length: 33 bytes"},
		{"a byte left over", append(sslv2Hello(sslv2Specs, "", challenge), 0), iana.DecodeError, "1 bytes left over"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hello, err := ParseSSLv2ClientHello([]byte("before"), test.body)
			wantAlert(t, err, test.alert, "sslv2_client_hello", test.mention)
			if string(hello) != "before" {
				t.Errorf("%q beside the error", hello)
			}
		})
	}
	whole := sslv2Hello(sslv2Specs, "", challenge)
	for n := range whole {
		_, err := ParseSSLv2ClientHello(nil, whole[:n])
		wantAlert(t, err, iana.DecodeError, "sslv2_client_hello")
	}
}

func TestSSLv2ClientHelloDoesNotAllocate(t *testing.T) {
	body, room := sslv2Hello(sslv2Specs, "", challenge), make([]byte, 0, 256)
	n := testing.AllocsPerRun(50, func() {
		if _, err := ParseSSLv2ClientHello(room, body); err != nil {
			t.Fail()
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSSLv2ClientHello has every hello that parses become one that parses too, with no
// suite that was not there and none of those that were left out.
func FuzzSSLv2ClientHello(f *testing.F) {
	f.Add(sslv2Hello(sslv2Specs, "", challenge))
	f.Add(sslv2Hello("\x07\x00\xc0", "", challenge))
	f.Fuzz(func(t *testing.T, body []byte) {
		hello, err := ParseSSLv2ClientHello(nil, body)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		var m ClientHello
		if err := m.Parse(hello[4:]); err != nil {
			t.Fatal(err)
		}
		var specs []byte
		for i := range m.CipherSuites.Len() {
			specs = append(specs, 0, m.CipherSuites[2*i], m.CipherSuites[2*i+1])
		}
		sent := body[9 : 9+int(body[3])<<8+int(body[4])]
		for rest := specs; len(sent) > 0; sent = sent[3:] {
			if sent[0] != 0 {
				continue
			}
			if !bytes.HasPrefix(rest, sent[:3]) {
				t.Fatalf("suites % x of % x", m.CipherSuites, body)
			}
			rest = rest[3:]
		}
	})
}
