package conn

import (
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// sslv2Hello is a ClientHello in the framing of SSLv2 that offers TLS 1.2.
func sslv2Hello(version iana.Version, suites ...iana.CipherSuite) []byte {
	body := []byte{1, byte(version >> 8), byte(version), 0, byte(3 * (len(suites) + 1)), 0, 0, 0, 16, 1, 0, 128}
	for _, s := range suites {
		body = append(body, 0, byte(s>>8), byte(s))
	}
	body = append(body, "0123456789abcdef"...)
	return append([]byte{0x80, byte(len(body))}, body...)
}

func TestSSLv2ClientHello(t *testing.T) {
	rsa := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048})
	suites := []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_CBC_SHA, iana.TLS_AES_128_GCM_SHA256}
	for _, c := range []struct {
		name    string
		hello   []byte
		accept  bool
		version iana.Version // of the ServerHello, or 0
		alert   iana.Alert
	}{
		{"is refused by default", sslv2Hello(iana.TLS12, suites...), false, 0, iana.ProtocolVersion},
		{"leads to TLS 1.2 where it is accepted", sslv2Hello(iana.TLS12, suites...), true, iana.TLS12, 0},
		{"never leads to TLS 1.3", sslv2Hello(iana.TLS13, suites...), true, iana.TLS12, 0},
		{"of TLS 1.0 is too old", sslv2Hello(iana.TLS10, suites...), true, 0, iana.ProtocolVersion},
		{"without a suite of ours gets handshake_failure", sslv2Hello(iana.TLS12, iana.TLS_RSA_WITH_RC4_128_MD5), true, 0, iana.HandshakeFailure},
		{"cut short is malformed", []byte{0x80, 4, 1, 3, 3, 0}, true, 0, iana.DecodeError},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, chunk := range []int{1, 1000} {
				pipe := testpeer.NewPipe()
				pipe.Server.ReadLimit = chunk
				s := mustServer(t, pipe.Server.Recv, pipe.Server.Send, &Config{Certificates: []*Certificate{rsa}, Policy: "20190214", AcceptSSLv2ClientHello: c.accept})
				pipe.Client.Send(c.hello)
				b, err := s.Negotiate()
				if c.version != 0 {
					if err != nil || b != BlockedOnRead || s.State().Version != c.version {
						t.Fatalf("%v, %v, version %v", b, err, s.State().Version)
					}
					continue
				}
				if alert := (*AlertError)(nil); !errors.As(err, &alert) || alert.Alert != c.alert {
					t.Fatalf("%v, %v", b, err)
				}
			}
		})
	}
}
