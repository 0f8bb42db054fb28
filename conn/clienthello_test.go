package conn

import (
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// A server acknowledges server_name if a certificate bears the name, or if its application says
// that it goes by the name.
func TestServerNameUsed(t *testing.T) {
	for _, c := range []struct {
		name      string
		used, ack bool
	}{
		{"localhost", false, true},
		{"elsewhere.test", false, false},
		{"elsewhere.test", true, true},
		{"", true, false},
	} {
		client, server := clientConfig(), serverConfig(t)
		client.ServerName, client.VerifyHost = c.name, func(string) bool { return true }
		server.MaxVersion = iana.TLS12
		server.OnClientHello = func(conn *Conn, _ *ClientHello, op *async.Op[*Config]) {
			if c.used {
				conn.ServerNameUsed()
			}
			_ = op.Answer(nil)
		}
		p := newPair(t, client, server)
		p.pipe.Server.Record()
		p.mustNegotiate(t)
		sent := p.pipe.Server.Sent()
		var hello wire.ServerHello
		if err := hello.Parse(sent[9:9+int(sent[7])<<8+int(sent[8])], 0); err != nil {
			t.Fatal(err)
		}
		if err := hello.Parse12(^wire.Set(0)); err != nil {
			t.Fatal(err)
		}
		if hello.Has.Has(iana.ServerName) != c.ack {
			t.Errorf("name %q, used: %v: acknowledged: %v", c.name, c.used, !c.ack)
		}
	}
}
