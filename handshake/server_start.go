package handshake

import (
	"fmt"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello
//          the application may choose a configuration by it
//          the version is chosen: server13.go goes on

// expectClientHello is where every server begins.
type expectClientHello struct{}

func (expectClientHello) accepts() msgSet { return only(iana.ClientHello) | last }

func (expectClientHello) next(m *Machine, msg []byte) (state, error) {
	s := chooseVersion{&m.in.received}
	s.Message = msg
	if err := s.Hello.Parse(msg[4:]); err != nil {
		return nil, err
	}
	copy(m.x.clientRandom[:], s.Hello.Random)
	m.Result.ServerName = string(s.Hello.ServerName)
	if m.cfg.Asks.Has(AskConfig) {
		m.hold = true
		seen := *s.ReceivedHello // not the Machine's: an application may look for longer than it is lent
		return ask(m, AskConfig, &seen, new(async.Op[*Config]), s.withConfig), nil
	}
	return s.withConfig(m, nil)
}

// chooseVersion holds the ClientHello while the application chooses a Config. The hello
// lends the Machine's input.
type chooseVersion struct{ *ReceivedHello }

// withConfig goes on with the Config that the application has chosen; nil keeps the one
// there is.
func (s chooseVersion) withConfig(m *Machine, cfg *Config) (state, error) {
	if cfg != nil {
		m.cfg = cfg
	}
	v, err := selectVersion(m.cfg, &s.Hello)
	if m.x.sslv2 != nil {
		s.Message = m.x.sslv2 // what the transcript begins with (RFC 5246, Appendix E.2)
	}
	if err != nil {
		return nil, err
	}
	m.Result.Version = v
	m.emit(Event{Kind: SetVersion, Version: v})
	if v == iana.TLS12 {
		return (&server12{}).answer(m, &s.Hello, s.Message)
	}
	return (answerClientHello{hello: &s.Hello, msg: s.Message}).answer(m)
}

// selectVersion picks the highest version that both sides have. A client without
// supported_versions offers what its legacy_version says, TLS 1.2 at most (RFC 8446,
// Sections 4.2.1 and D.2), and that of a client with it says nothing, unless it is that of SSL
// (Section D.5).
func selectVersion(cfg *Config, hello *wire.ClientHello) (iana.Version, error) {
	var best iana.Version
	consider := func(v iana.Version) {
		if v >= cfg.MinVersion && v <= cfg.MaxVersion && v > best {
			best = v
		}
	}
	if !hello.Has.Has(iana.SupportedVersions) {
		offered := min(hello.LegacyVersion, iana.TLS12)
		for v := iana.TLS12; v <= offered; v++ {
			consider(v)
		}
		if best == 0 {
			return 0, wrongVersion("client offers %v at most, this server's policy begins with %v", offered, cfg.MinVersion)
		}
		return best, nil
	}
	if hello.LegacyVersion <= iana.SSL30 {
		return 0, wrongVersion("client sent legacy_version %v, with which no version of TLS begins", hello.LegacyVersion)
	}
	for i := range hello.SupportedVersions.Len() {
		consider(hello.SupportedVersions.At(i))
	}
	if best == 0 {
		return 0, wrongVersion("client offers no version of this server's policy: %s", span(cfg))
	}
	return best, nil
}

// span names the versions of cfg in a sentence.
func span(cfg *Config) string {
	if cfg.MinVersion == cfg.MaxVersion {
		return cfg.MinVersion.String()
	}
	return fmt.Sprintf("%v to %v", cfg.MinVersion, cfg.MaxVersion)
}
