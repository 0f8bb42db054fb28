package conn

import (
	"fmt"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
)

// TestEarlyDataElsewhere: whoever else may accept the tickets, and remembers nothing together with this server,
// could accept their early data once more.
func TestEarlyDataElsewhere(t *testing.T) {
	added := func(cfg TicketKeysConfig) func(t *testing.T, s *Config) {
		return func(t *testing.T, s *Config) {
			s.TicketKeys = NewTicketKeys(cfg)
			if err := s.TicketKeys.Add([]byte("key"), []byte("secret"), time.Time{}, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(t *testing.T, s *Config)
		alone  EarlyDataStatus // with no recorder of the application's
	}{
		{"keys that were added", added(TicketKeysConfig{}), EarlyDataRejected},
		{"keys that were added to nothing else", added(TicketKeysConfig{AddedOnly: true}), EarlyDataRejected},
		{"keys that the set makes", func(_ *testing.T, s *Config) { s.TicketKeys = NewTicketKeys(TicketKeysConfig{}) }, EarlyDataEnd},
		{"the application's protection", func(_ *testing.T, s *Config) {
			s.OnSealTicket = func(_ *Conn, state []byte, op *async.Op[[]byte]) { _ = op.Answer(state) }
			s.OnOpenTicket = func(_ *Conn, ticket []byte, op *async.Op[[]byte]) { _ = op.Answer(ticket) }
		}, EarlyDataRejected},
		{"a store", func(_ *testing.T, s *Config) { s.SessionStore = NewMemoryStore(1 << 20) }, EarlyDataEnd},
	} {
		for _, alone := range []bool{true, false} {
			client, server := earlyConfigs(t)
			c.change(t, server)
			want, received := c.alone, []byte(nil)
			if !alone {
				server.ReplayRecorder, want = NewReplayRecorder(10), EarlyDataEnd
			}
			if want == EarlyDataEnd {
				received = earlyBytes
			}
			t.Run(fmt.Sprintf("%s, alone %v", c.name, alone), func(t *testing.T) {
				blob := sessionOf(t, client, server)
				p := newPair(t, client, server)
				if err := p.client.SetSession(blob); err != nil {
					t.Fatal(err)
				}
				sendEarly(t, p, earlyBytes, 100).holds(t, true, want, received)
			})
		}
	}
}
