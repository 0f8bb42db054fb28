package fuzz

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// Seeds of the targets that take the wire apart.

// recordSeeds are programs for every kind of protection, and the wire of real handshakes.
func recordSeeds(t *testing.T) seeds {
	s := seeds{}
	const drop, deliver = 1 << 3, 2 << 3
	orderly := join(0, 0, 100, 0, 0, 1, 200, 7, 3, 1, 0, 0, 0, 0, 0, 0, 0xc8, 0, 0, 0, 2, 2, 0)
	for protection := range 8 {
		setup := uint32(protection | drop)
		s[fmt.Sprintf("sealed-%d", protection)] = []any{setup, orderly, repeat(40, 30)}
		s[fmt.Sprintf("round-trip-%d", protection)] = []any{1<<31 | setup,
			join(4, 1, 0, 0, 1, 0xc2, 0, 5, 1, 0, 2, 50, 3, 6, 3, 0, 200, 9, 7, 3, 20, 0, 1, 0xc1, 0, 0), repeat(77, 20)}
	}
	s["plain"] = []any{uint32(deliver), join(1, 22, 3, 4, "hsmg", 3, 1, 9, 1, 0), join(1, 0, 1, 0, 2, 1)}
	s["damaged"] = []any{uint32(1 | drop | 1<<7), join(0, 1, 20, 0, 5, 0, 9, 3, 0, 0, 3, 0), join(3, 4, 0, 7, 9, 2)}
	s["lost"] = []any{uint32(2 | drop | 1<<7), join(7, 0, 0, 9, 0, 6, 0, 0, 3, 0), []byte{}}
	s["new-key"] = []any{uint32(1 | drop | 2<<12), join(0, 0, 9, 0, 0, 1, 9, 0, 8, 0, 0, 20, 3), join(30, 2, 10)}
	s["too-long"] = []any{uint32(259), join("70", 0xfa), join("00000", 0xff, 0xff)}
	s["inner"] = []any{uint32(1), join(4, 4, 1, 2, 23, 0, 4, 2, 0, 0), []byte{}}
	s["empty"] = []any{uint32(1), repeat(0, 3*34), []byte{}}
	s["http"] = []any{uint32(0), join(2, 18, "GET / HTTP/1.1\r\n\r\n"), join(0, 0, 2)}
	s["sslv2"] = []any{uint32(1 << 16), join(2, 50, 0x80, 46, 1, 3, 3, 0, 3, 0, 0, 0, 32, repeat(0, 37)), []byte{}}
	for name, setup := range setups {
		up, down := wireOf(t, setup)
		s["client-"+name] = []any{uint32(drop), join(2, 0xc0+len(up)>>8, len(up), up), join(0, 0, 200)}
		s["server-"+name] = []any{uint32(drop), join(2, 0xc0+len(down)>>8, len(down), down), join(0, 0, 200)}
	}
	return s
}

// wireOf records the bytes of a handshake between a Conn, which is the client, and a peer.
func wireOf(t *testing.T, s setup) (up, down []byte) {
	k := newTalk(t, s.as(true), nil, nil)
	defer func() { k.finish() }()
	for range 10 {
		k.negotiate()
		up = append(up, k.toPeer.bytes...)
		k.peer.pump()
		down = append(down, k.toConn.bytes...)
	}
	return up, down
}

// said is a message of a handshake.
type said struct {
	version iana.Version
	suite   *suite.Suite
	msg     []byte
}

// messagesOf records the messages of a handshake.
func messagesOf(t *testing.T, s setup) (all []said) {
	d := newDuel(t, bits(s.number()), new(script))
	d.start()
	d.settle()
	if !d.client.done || !d.server.done {
		t.Fatalf("no handshake to record: %v, %v", d.client.err, d.server.err)
	}
	r := &d.client.m.Result
	for _, side := range []*side{d.client, d.server} {
		for e := range handshake.Application + 1 {
			for rest := side.sent[e]; len(rest) > 0; {
				n := messageEnd(rest)
				all = append(all, said{r.Version, suite.Lookup(r.CipherSuite), rest[:n]})
				rest = rest[n:]
			}
		}
	}
	d.client.close()
	d.server.close()
	return all
}

// codecOf returns the number of the codec that reads a message.
func codecOf(m said) int {
	kind := iana.Message(m.msg[0])
	for i, c := range allCodecs {
		if c.kind != kind || i < len(codecs) != (m.version == iana.TLS13 || kind == iana.ClientHello || kind == iana.CertificateVerify) {
			continue
		}
		if _, err := c.parse(m.msg[4:]); err == nil {
			return i
		}
	}
	return -1
}

// messageSeeds are the messages of real handshakes, and those that are in none.
func messageSeeds(t *testing.T) seeds {
	s := seeds{}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(setups)) {
		for _, m := range messagesOf(t, setups[name]) {
			i := codecOf(m)
			if i < 0 {
				t.Fatalf("%s: no codec reads %x", name, m.msg)
			}
			key := fmt.Sprint(i, len(m.msg)/16)
			if !seen[key] {
				seen[key] = true
				s[fmt.Sprintf("%v-%d-%d", iana.Message(m.msg[0]), i, len(m.msg))] = []any{join(i, m.msg[4:])}
			}
		}
	}
	s["key_update"] = []any{join(7, 1)}
	s["new_session_ticket"] = []any{join(8, unasked(iana.TLS13)[4:])}
	s["alert"] = []any{join(len(allCodecs), 2, 40)}
	s["sslv2"] = []any{join(len(allCodecs)+1, 1, 3, 3, 0, 3, 0, 0, 0, 32, 0, 0xc0, 0x2b, repeat(5, 32))}
	return s
}

// extensionSeeds are the blocks of extensions of real handshakes, and each extension that a
// ClientHello can have by itself.
func extensionSeeds(t *testing.T) seeds {
	s := seeds{}
	add := func(name string, context byte, block []byte) {
		if len(block) > 0 {
			s[fmt.Sprintf("%s-%d-%d", name, context, len(block))] = []any{context, ^uint64(0), block}
		}
	}
	for _, setup := range setups {
		for _, m := range messagesOf(t, setup) {
			body := m.msg[4:]
			switch kind := iana.Message(m.msg[0]); {
			case kind == iana.ClientHello:
				var hello wire.ClientHello
				if err := hello.Parse(body); err != nil {
					t.Fatal(err)
				}
				add("client_hello", 0, hello.Extensions)
				for x, data := range hello.Extensions.All() {
					var w wire.Writer
					mark := w.BeginExtension(x)
					w.Raw(data)
					w.End(mark)
					add(x.String(), 0, w.B)
				}
			case kind == iana.ServerHello:
				var hello wire.ServerHello
				if err := hello.Parse(body, offersAll); err != nil {
					t.Fatal(err)
				}
				context := byte(1)
				if hello.IsHelloRetryRequest() {
					context = 2
				} else if m.version == iana.TLS12 {
					context = 7
				}
				add("server_hello", context, hello.Extensions)
			case kind == iana.EncryptedExtensions:
				add("encrypted_extensions", 3, body[2:])
			case kind == iana.CertificateRequest && m.version == iana.TLS13:
				add("certificate_request", 4, body[3:])
			}
		}
	}
	add("status", 5, join(0, 5, 0, 5, 1, 0, 0, 1, 9, 0, 18, 0, 6, 0, 4, 0, 2, 1, 2))
	add("early_data", 6, join(0, 42, 0, 4, 0, 0, 0, 9))
	add("pre_shared_key", 0, join(0, 41, 0, 44, 0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 33, 32, repeat(7, 32)))
	add("cookie", 0x82, join(0, 44, 0, 3, 0, 1, 5))
	add("unknown", 0, join(0x0a, 0x0a, 0, 0, 0x1a, 0x1a, 0, 1, 0))
	return s
}
