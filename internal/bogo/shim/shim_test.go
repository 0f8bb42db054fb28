package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestParse(t *testing.T) {
	all, err := parse([]string{"-port", "4711", "-server", "-curves", "29", "-on-initial-curves", "23", "-on-resume-expect-session-miss",
		"-on-retry-expect-alpn", "h2", "-on-shim-cert-file", "default", "-new-x509-credential", "-cert-file", "second", "-ocsp-response", "AQI="})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range all {
		if o.port != 4711 || !o.server || o.expectSessionMiss != (i == 1) || (o.expectALPN == "h2") != (i == 2) || o.shimInitialWrite != "hello" {
			t.Errorf("options %d: %+v", i, o)
		}
		if o.byDefault.certFile != "default" || len(o.credentials) != 1 || o.credentials[0].certFile != "second" || string(o.credentials[0].ocspResponse) != "\x01\x02" {
			t.Errorf("certificates %d: %+v, %+v", i, o.byDefault, o.credentials)
		}
	}
	if want := []iana.Group{iana.X25519, iana.Secp256r1}; !slices.Equal(all[0].curves, want) || !slices.Equal(all[1].curves, want[:1]) {
		t.Errorf("groups %v, then %v", all[0].curves, all[1].curves)
	}
	for _, args := range [][]string{{"-port"}, {"-port", "x"}, {"-curves", "65536"}, {"-ocsp-response", "*"}} {
		if _, err := parse(args); err == nil || errors.As(err, new(unknownFlag)) {
			t.Errorf("%q: %v", args, err)
		}
	}
	for _, arg := range []string{"-nothing", "-on-resume-nothing", "-on-resume", "server", ""} {
		if _, err := parse([]string{arg}); !errors.As(err, new(unknownFlag)) {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

func TestPreferences(t *testing.T) {
	gcm, cbc, chacha := iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
	p, err := preferences("[TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256|TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]:TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ offered, want []iana.CipherSuite }{
		{[]iana.CipherSuite{cbc, gcm, chacha}, []iana.CipherSuite{gcm, chacha, cbc}},
		{[]iana.CipherSuite{chacha}, []iana.CipherSuite{chacha, gcm, cbc}},
		{nil, []iana.CipherSuite{chacha, gcm, cbc}},
	} {
		if got := p.order(c.offered); !slices.Equal(got, c.want) {
			t.Errorf("a client of %v gets %v, want %v", c.offered, got, c.want)
		}
	}
	if p, err = preferences("DEFAULT:!AES"); err != nil || slices.Contains(p.order(nil), gcm) || !slices.Contains(p.order(nil), chacha) {
		t.Errorf("without AES: %v, %v", p, err)
	}
	if _, err := preferences("NO_SUCH_SUITE"); !errors.Is(err, errUnimplemented) {
		t.Error(err)
	}
}

// TestSuspension: an answer comes with the last of its suspensions, never before, and one that
// nobody owes or that does not wake is a failure in any test.
func TestSuspension(t *testing.T) {
	answered := 0
	s := &suspension{}
	s.later(2, func() { answered++ })
	if answered != 1 {
		t.Error("an answer that is not suspended does not come at once")
	}

	s.on = true
	answer := func() { answered++; s.woken.Add(1) }
	s.later(2, answer)
	for range 2 {
		if answered != 1 {
			t.Fatal("the answer comes too early")
		}
		if err := s.resume(); err != nil {
			t.Fatal(err)
		}
	}
	if answered != 2 {
		t.Fatal("the answer does not come")
	}
	if err := s.resume(); !errors.As(err, new(mustFail)) {
		t.Errorf("nobody owes an answer: %v", err)
	}
	s.later(1, func() {})
	if err := s.resume(); !errors.As(err, new(mustFail)) {
		t.Errorf("nobody was woken: %v", err)
	}
}
