package conn

import (
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// visit is a handshake at a time after the first, with the latest session that there is.
type visit struct {
	at      time.Duration
	resumed bool
}

// TestLifetimes lets the clock of both sides go on, and looks at which sessions are still resumed. Each
// limit holds to the second.
func TestLifetimes(t *testing.T) {
	const day = 24 * time.Hour
	moment := time.Second
	keys := func(cfg TicketKeysConfig) func(*Config, time.Time) {
		return func(server *Config, _ time.Time) { server.TicketKeys = NewTicketKeys(cfg) }
	}
	long := TicketKeysConfig{EncryptLifetime: 30 * day}
	store := func(change func(server *Config)) func(*Config, time.Time) {
		return func(server *Config, _ time.Time) {
			s := NewMemoryStore(1 << 20)
			s.(*memoryStore).now = func() time.Time { return server.Now() }
			server.SessionStore = s
			change(server)
		}
	}
	for _, c := range []struct {
		name   string
		server func(cfg *Config, start time.Time)
		stays  bool // the first session is offered each time, not the latest
		only13 bool // TLS 1.2 renews a ticket only when its key seals no more
		visits []visit
	}{
		{"session, by default", keys(long), true, false, []visit{{15*time.Hour - moment, true}, {15 * time.Hour, false}}},
		{"session, configured", func(server *Config, _ time.Time) { server.SessionLifetime = time.Hour }, true, false, []visit{{time.Hour - moment, true}, {time.Hour, false}}},
		{"session, above a week", func(server *Config, now time.Time) {
			server.SessionLifetime, server.KeyingMaterialLifetime = 20*day, 20*day
			keys(long)(server, now)
		}, true, false, []visit{{7*day - moment, true}, {7 * day, false}}},
		{"session in a store, by default", store(func(*Config) {}), true, false, []visit{{15*time.Hour - moment, true}, {15 * time.Hour, false}}},
		{"session in a store, configured", store(func(server *Config) { server.SessionLifetime = time.Hour }), true, false, []visit{{time.Hour - moment, true}, {time.Hour, false}}},
		{"session that is used again and again", keys(long), false, true, []visit{{14 * time.Hour, true}, {28 * time.Hour, true}, {42 * time.Hour, true}}},
		{"keying material, by default", func(server *Config, now time.Time) {
			server.SessionLifetime = 6 * day
			keys(long)(server, now)
		}, false, true, []visit{{5 * day, true}, {7*day - moment, true}, {7 * day, false}, {7*day + moment, true}}},
		{"keying material, ticket after ticket", func(server *Config, now time.Time) {
			server.KeyingMaterialLifetime = 2 * time.Hour
			keys(TicketKeysConfig{EncryptLifetime: 10 * time.Minute})(server, now)
		}, false, false, []visit{{20 * time.Minute, true}, {40 * time.Minute, true}, {2*time.Hour - moment, true}, {2 * time.Hour, false}, {3 * time.Hour, true}}},
		{"keying material, configured", func(server *Config, now time.Time) {
			server.KeyingMaterialLifetime = 2 * time.Hour
			keys(long)(server, now)
		}, false, false, []visit{{time.Hour, true}, {2*time.Hour - moment, true}, {2 * time.Hour, false}, {3 * time.Hour, true}}},
		{"keying material in a store", store(func(server *Config) { server.KeyingMaterialLifetime = time.Hour }), false, false, []visit{{time.Hour - moment, true}, {time.Hour, false}}},
		{"ticket key, by default", func(server *Config, start time.Time) {
			server.SessionLifetime = 6 * day
			server.TicketKeys = NewTicketKeys(TicketKeysConfig{})
			if err := server.TicketKeys.Add([]byte("a"), []byte("a"), start, start); err != nil {
				t.Fatal(err)
			}
		}, true, false, []visit{{15*time.Hour - moment, true}, {15 * time.Hour, false}}},
		{"ticket key, configured", func(server *Config, start time.Time) {
			server.TicketKeys = NewTicketKeys(TicketKeysConfig{EncryptLifetime: time.Minute, DecryptLifetime: time.Hour})
			if err := server.TicketKeys.Add([]byte("a"), []byte("a"), start, start); err != nil {
				t.Fatal(err)
			}
		}, true, false, []visit{{61*time.Minute - moment, true}, {61 * time.Minute, false}}},
		{"keys that change by themselves", func(*Config, time.Time) {}, false, false, []visit{{14 * time.Hour, true}, {28 * time.Hour, true}, {50 * time.Hour, false}, {64 * time.Hour, true}}},
		{"a clock that was ahead by an hour", keys(long), true, false, []visit{{-time.Hour, true}, {-time.Hour - moment, false}}},
	} {
		for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
			if c.only13 && version == iana.TLS12 {
				continue
			}
			t.Run(c.name+", "+version.String(), func(t *testing.T) {
				start := time.Now().Truncate(time.Second)
				now := start
				client, server := clientConfig(), serverConfig(t)
				for _, cfg := range []*Config{client, server} {
					cfg.MinVersion, cfg.MaxVersion, cfg.SessionTickets = version, version, true
					cfg.Now = func() time.Time { return now }
					cfg.DisableTimeVerification = true
				}
				c.server(server, start)
				blob := again(t, client, server, nil).client.Session()
				if blob == nil {
					t.Fatal("no session")
				}
				for _, s := range c.visits {
					now = start.Add(s.at)
					p := again(t, client, server, blob)
					if p.client.State().Resumed != s.resumed || p.server.State().Resumed != s.resumed {
						t.Fatalf("after %v: resumed %v, want %v", s.at, p.server.State().Resumed, s.resumed)
					}
					if next := p.client.Session(); !c.stays && next != nil {
						blob = next
					}
				}
			})
		}
	}
}

// TestCertificateExpiresMeanwhile: what a session kept of the peer is judged by the clock of today.
func TestCertificateExpiresMeanwhile(t *testing.T) {
	start := time.Now().Truncate(time.Second)
	short := issue(t, testpeer.Template{NotAfter: start.Add(time.Hour)})
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, who := range []string{"server", "client"} {
			t.Run(who+", "+version.String(), func(t *testing.T) {
				now := start
				client, server := clientConfig(), serverConfig(t)
				if who == "server" {
					server.Certificates = []*Certificate{short}
				} else {
					client.Certificates, server.ClientAuth = []*Certificate{short}, RequireClientAuth
				}
				for _, cfg := range []*Config{client, server} {
					cfg.MinVersion, cfg.MaxVersion, cfg.SessionTickets = version, version, true
					cfg.Now = func() time.Time { return now }
				}
				blob := again(t, client, server, nil).client.Session()
				now = start.Add(time.Hour)
				again(t, client, server, blob).wantResumed(t, true)
				now = start.Add(time.Hour + time.Second)
				p := newPair(t, client, server)
				if err := p.client.SetSession(blob); err != nil {
					t.Fatal(err)
				}
				cerr, serr := p.negotiate()
				err := cerr
				if who == "client" {
					err = serr
				}
				var alert *AlertError
				if !errors.As(err, &alert) || alert.Alert != iana.CertificateExpired {
					t.Errorf("client: %v; server: %v", cerr, serr)
				}
			})
		}
	}
}
