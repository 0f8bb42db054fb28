package wire

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/testvectors"
)

// rfc8448Messages returns all handshake messages of RFC 8448.
func rfc8448Messages(t testing.TB) (messages [][]byte) {
	t.Helper()
	for section := 3; section <= 7; section++ {
		trace, err := testvectors.RFC8448(section)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range trace.Messages() {
			messages = append(messages, m.Data)
		}
	}
	return messages
}

func TestRFC8448MessagesEncodeAgain(t *testing.T) {
	seen := map[iana.Message]int{}
	for i, msg := range rfc8448Messages(t) {
		kind := iana.Message(msg[0])
		seen[kind]++
		t.Run(fmt.Sprint(i, " ", kind), func(t *testing.T) {
			m, err := parseMessage(msg)
			if err != nil {
				t.Fatal(err)
			}
			if again := reencode(t, m); !bytes.Equal(again, msg) {
				t.Errorf("% x, want\n% x", again, msg)
			}
		})
	}
	for _, kind := range []iana.Message{iana.ClientHello, iana.ServerHello, iana.EncryptedExtensions, iana.CertificateRequest,
		iana.Certificate, iana.CertificateVerify, iana.Finished, iana.EndOfEarlyData, iana.NewSessionTicket} {
		if seen[kind] == 0 {
			t.Errorf("no %v", kind)
		}
	}
}

// The fields that the bytes of Sections 3, 4 and 5 say, read by hand.
func TestRFC8448Fields(t *testing.T) {
	var hellos []ClientHello
	var retry ServerHello
	var encrypted []EncryptedExtensions
	var ticket NewSessionTicket
	for _, msg := range rfc8448Messages(t) {
		m, err := parseMessage(msg)
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *ClientHello:
			hellos = append(hellos, *m)
		case *ServerHello:
			if m.IsHelloRetryRequest() {
				retry = *m
			}
		case *EncryptedExtensions:
			encrypted = append(encrypted, *m)
		case *NewSessionTicket:
			ticket = *m
		}
	}
	if len(hellos) != 6 {
		t.Fatalf("%d ClientHellos", len(hellos))
	}

	first := hellos[0]
	if string(first.ServerName) != "server" {
		t.Errorf("server name %q", first.ServerName)
	}
	if got := first.CipherSuites.Slice(); !slices.Equal(got, []iana.CipherSuite{
		iana.TLS_AES_128_GCM_SHA256, iana.TLS_CHACHA20_POLY1305_SHA256, iana.TLS_AES_256_GCM_SHA384}) {
		t.Errorf("cipher suites %v", got)
	}
	if got := first.SupportedVersions.Slice(); !slices.Equal(got, []iana.Version{iana.TLS13}) {
		t.Errorf("versions %v", got)
	}
	if first.SupportedGroups.Len() != 9 || first.SupportedGroups.At(0) != iana.X25519 {
		t.Errorf("groups %v", first.SupportedGroups.Slice())
	}
	if share, ok := first.KeyShares.Get(iana.X25519); !ok || len(share) != 32 {
		t.Errorf("x25519 share of %d bytes", len(share))
	}
	if first.RecordSizeLimit != 0x4001 || !bytes.Equal(first.PSKKeyExchangeModes, []byte{PSKWithDHE}) {
		t.Errorf("limit %#x, modes %v", first.RecordSizeLimit, first.PSKKeyExchangeModes)
	}
	if !first.Has.Has(iana.RenegotiationInfo) || !first.Has.Has(iana.SessionTicket) || len(first.SessionTicket) != 0 {
		t.Errorf("has %b", first.Has)
	}

	resumed := hellos[1]
	var identities [][]byte
	for identity, age := range resumed.PreSharedKey.Identities.All() {
		if identities = append(identities, identity); age != 0xfad6aacb {
			t.Errorf("age %#x", age)
		}
	}
	if len(identities) != 1 || len(identities[0]) != 178 || resumed.PreSharedKey.BindersLen != 35 || !resumed.EarlyData {
		t.Errorf("%d identities, binders of %d bytes, early data %v", len(identities), resumed.PreSharedKey.BindersLen, resumed.EarlyData)
	}

	if retry.KeyShareGroup != iana.Secp256r1 || len(retry.KeyShare) != 0 || len(retry.Cookie) != 114 {
		t.Errorf("hello_retry_request: group %v, cookie of %d bytes", retry.KeyShareGroup, len(retry.Cookie))
	}
	if second := hellos[3]; !bytes.Equal(second.Cookie, retry.Cookie) {
		t.Errorf("second client_hello: cookie %x", second.Cookie)
	}
	if !encrypted[0].ServerName || encrypted[0].RecordSizeLimit != 0x4001 || encrypted[0].SupportedGroups.Len() != 9 || !encrypted[1].EarlyData {
		t.Errorf("encrypted_extensions %+v", encrypted[:2])
	}
	if ticket.Lifetime != 30 || ticket.MaxEarlyData != 1024 || len(ticket.Ticket) == 0 {
		t.Errorf("new_session_ticket %+v", ticket)
	}
}
