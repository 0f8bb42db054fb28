package conn

import (
	"slices"
	"testing"
)

// What is sent is told in the order of the wire: a message stands behind the key that
// protects it.
func TestTraceFollowsTheWire(t *testing.T) {
	var server, client []string
	cfg := serverConfig(t)
	cfg.Trace = func(_ *Conn, e TraceEvent) { server = append(server, e.String()) }
	ccfg := clientConfig()
	ccfg.Trace = func(_ *Conn, e TraceEvent) { client = append(client, e.String()) }
	newPair(t, ccfg, cfg).mustNegotiate(t)

	for _, c := range []struct {
		side  string
		trace []string
		want  []string // in this order, others between
	}{
		{"server", server, []string{"sent server_hello (1206 bytes)", "sent change_cipher_spec", "write key: handshake",
			"sent encrypted_extensions (6 bytes)", "sent finished (32 bytes)", "write key: application"}},
		{"client", client, []string{"received server_hello (1206 bytes)", "read key: handshake",
			"sent change_cipher_spec", "write key: handshake",
			"received encrypted_extensions (6 bytes)", "received finished (32 bytes)", "read key: application",
			"sent finished (32 bytes)", "write key: application"}},
	} {
		at := 0
		for _, step := range c.want {
			i := slices.Index(c.trace[at:], step)
			if i < 0 {
				t.Fatalf("the %s's trace has no %q from step %d on: %q", c.side, step, at, c.trace)
			}
			at += i + 1
		}
	}
}
