package conn

import (
	"iter"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ClientHello is a client's first message as a server sees it in Hooks.OnClientHello. It
// and what its methods return, unless they say otherwise, are lent until the hook's
// operation is answered.
type ClientHello struct {
	hello *wire.ClientHello
	raw   []byte
}

// ParseClientHello reads a handshake message, with its 4-byte header, that was kept from
// elsewhere (s2n_client_hello_parse_message). The ClientHello lends message.
func ParseClientHello(message []byte) (*ClientHello, error) {
	if len(message) < 4 || iana.Message(message[0]) != iana.ClientHello ||
		int(message[1])<<16|int(message[2])<<8|int(message[3]) != len(message)-4 {
		return nil, usage("ParseClientHello wants one whole client_hello message with its header")
	}
	h := &ClientHello{hello: new(wire.ClientHello), raw: message}
	if err := h.hello.Parse(message[4:]); err != nil {
		return nil, &Error{ErrProtocol, err}
	}
	return h, nil
}

// Raw returns the message as it came, with its 4-byte header
// (s2n_client_hello_get_raw_message, but for the random, which is not zeroed here).
func (h *ClientHello) Raw() []byte { return h.raw }

// LegacyVersion returns legacy_version (RFC 8446, Section 4.1.2).
func (h *ClientHello) LegacyVersion() iana.Version { return h.hello.LegacyVersion }

// Random returns the client's 32 random bytes (s2n_client_hello_get_random).
func (h *ClientHello) Random() []byte { return h.hello.Random }

// SessionID returns legacy_session_id, 0 to 32 bytes.
func (h *ClientHello) SessionID() []byte { return h.hello.SessionID }

// ServerName returns the name that the client asks for, or "" (RFC 6066, Section 3).
func (h *ClientHello) ServerName() string { return string(h.hello.ServerName) }

// CipherSuites returns a new slice of the offered suites in the client's order.
func (h *ClientHello) CipherSuites() []iana.CipherSuite { return h.hello.CipherSuites.Slice() }

// CompressionMethods returns legacy_compression_methods.
func (h *ClientHello) CompressionMethods() []byte { return h.hello.CompressionMethods }

// SupportedVersions returns a new slice of supported_versions, empty without it.
func (h *ClientHello) SupportedVersions() []iana.Version { return h.hello.SupportedVersions.Slice() }

// SupportedGroups returns a new slice of supported_groups, empty without it
// (s2n_client_hello_get_supported_groups).
func (h *ClientHello) SupportedGroups() []iana.Group { return h.hello.SupportedGroups.Slice() }

// SignatureSchemes returns a new slice of signature_algorithms, empty without it.
func (h *ClientHello) SignatureSchemes() []iana.SignatureScheme {
	return h.hello.SignatureAlgorithms.Slice()
}

// ALPN returns a new slice of the offered application protocols, nil without any.
func (h *ClientHello) ALPN() (names []string) {
	for name := range h.hello.ALPN.All() {
		names = append(names, string(name))
	}
	return names
}

// CertificateAuthorities returns a new slice of the distinguished names, in DER, of the
// authorities that the client wants the server's certificate of, nil without any (RFC 8446,
// Section 4.2.4).
func (h *ClientHello) CertificateAuthorities() (names [][]byte) {
	for name := range h.hello.CertificateAuthorities.All() {
		names = append(names, name)
	}
	return names
}

// Extension returns the content of extension t and whether it is there
// (s2n_client_hello_get_extension_by_id, s2n_client_hello_has_extension).
func (h *ClientHello) Extension(t iana.Extension) (content []byte, ok bool) {
	return h.hello.Extensions.Get(t)
}

// Extensions ranges over all extensions in the client's order.
func (h *ClientHello) Extensions() iter.Seq2[iana.Extension, []byte] {
	return h.hello.Extensions.All()
}

// Clone returns a copy that stays valid.
func (h *ClientHello) Clone() *ClientHello {
	clone := &ClientHello{hello: new(wire.ClientHello), raw: slices.Clone(h.raw)}
	_ = clone.hello.Parse(clone.raw[4:]) // as it was parsed before
	return clone
}

// ServerNameUsed says that OnClientHello goes by the client's server_name, which the server
// then acknowledges also if no certificate bears the name
// (s2n_connection_server_name_extension_used; RFC 6066, Section 3). Any goroutine, before the
// hook's operation is answered; later it changes nothing.
func (c *Conn) ServerNameUsed() { c.set(factNameUsed) }
