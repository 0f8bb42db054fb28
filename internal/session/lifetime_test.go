package session

import (
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

func TestExpiredAt(t *testing.T) {
	const second, hour, day = time.Second, time.Hour, 24 * time.Hour
	tls13 := func(lifetime uint32) Session { return Session{Version: iana.TLS13, Lifetime: lifetime, Issued: noon} }
	keying := tls13(15 * 3600)
	keying.KeyingMaterialExpires = noon.Add(hour)
	for _, c := range []struct {
		name    string
		s       Session
		after   time.Duration
		expired bool
	}{
		{"at once", tls13(10), 0, false},
		{"in its last millisecond", tls13(10), 10*second - time.Millisecond, false},
		{"when its lifetime is over", tls13(10), 10 * second, true},
		{"a lifetime of 0 in TLS 1.3", tls13(0), 0, true},
		{"a lifetime of 0 in TLS 1.2, within a day", Session{Version: iana.TLS12, Issued: noon}, day - second, false},
		{"a lifetime of 0 in TLS 1.2, after a day", Session{Version: iana.TLS12, Issued: noon}, day, true},
		{"s2n's lifetime", tls13(15 * 3600), 15*hour - second, false},
		{"after s2n's lifetime", tls13(15 * 3600), 15 * hour, true},
		{"longer than a week, within it", tls13(1 << 31), 7*day - second, false},
		{"longer than a week, after it", tls13(1 << 31), 7 * day, true},
		{"within the keying material's time", keying, hour - second, false},
		{"after the keying material's time", keying, hour, true},
		{"issued an hour ahead", tls13(10), -hour, false},
		{"issued more than an hour ahead", tls13(10), -hour - second, true},
	} {
		if got := c.s.ExpiredAt(noon.Add(c.after)); got != c.expired {
			t.Errorf("%s: expired %v", c.name, got)
		}
	}
}

func TestIssueAt(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name    string
		keying  time.Duration // 0 = none
		limits  []time.Duration
		seconds uint32
	}{
		{"no limit but the RFC's", 0, nil, 604800},
		{"the session's lifetime", 168 * hour, []time.Duration{DefaultSessionLifetime, 20 * hour}, 54000},
		{"the key's life", 168 * hour, []time.Duration{DefaultSessionLifetime, 13 * hour}, 46800},
		{"the keying material's", hour, []time.Duration{DefaultSessionLifetime}, 3600},
		{"the keying material's, over", -hour, []time.Duration{DefaultSessionLifetime}, 0},
		{"more than a week", 0, []time.Duration{1000 * hour}, 604800},
		{"less than a second", 0, []time.Duration{time.Second - 1}, 0},
	} {
		var s Session
		if c.keying != 0 {
			s.KeyingMaterialExpires = noon.Add(c.keying)
		}
		ok := s.IssueAt(noon, c.limits...)
		if s.Lifetime != c.seconds || ok != (c.seconds > 0) || !s.Issued.Equal(noon) {
			t.Errorf("%s: %d seconds (%v), want %d", c.name, s.Lifetime, ok, c.seconds)
		}
	}
}

// TestAge walks a ticket from a server to a client and back.
func TestAge(t *testing.T) {
	for _, add := range []uint32{0, 0xffffffff, 0x80000000} {
		server := Session{Issued: noon, AgeAdd: add}
		client := Session{Issued: noon.Add(30 * time.Millisecond), AgeAdd: add} // the ticket was under way
		sent := client.ObfuscatedAge(noon.Add(time.Hour))
		if got := server.AgeError(sent, noon.Add(time.Hour+50*time.Millisecond)); got != -80*time.Millisecond {
			t.Errorf("ticket_age_add %d: off by %v", add, got)
		}
		if got := server.AgeError(add+90_000, noon.Add(time.Second)); got != 89*time.Second {
			t.Errorf("ticket_age_add %d: a client that is early: off by %v", add, got)
		}
		if got := client.ObfuscatedAge(noon.Add(-time.Hour)); got != add {
			t.Errorf("ticket_age_add %d: a clock that was set back: age %d", add, got-add)
		}
	}
}
