package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// Both sides of TLS 1.2 make sessions, and resume them, in the same way.

// newSession12 is the session of a full handshake that has ended, or is about to.
func (m *Machine) newSession12(master []byte) *session.Session {
	r := &m.Result
	now := m.now()
	s := &session.Session{
		Version: iana.TLS12, CipherSuite: r.CipherSuite,
		Secret: slices.Clone(master), ExtendedMasterSecret: r.ExtendedMasterSecret,
		ServerName: r.ServerName, ALPN: r.ALPN, Established: now, Issued: now,
		Group: r.Group, PeerScheme: r.PeerScheme, ClientAuth: r.ClientAuth,
		Binding: m.cfg.SessionBinding,
	}
	for _, c := range r.Peer.Certificates {
		s.PeerChain = append(s.PeerChain, c.Raw)
	}
	return s
}

// resume12 takes the secret of a session and reports what it was made by; the keys follow with
// the server's random.
func (m *Machine) resume12(keys *session12, s *session.Session) error {
	row := suite.Lookup(s.CipherSuite)
	master, err := schedule.ResumeMaster(row.Hash, s.Secret)
	if err != nil {
		return internal(err, "the session cannot be resumed")
	}
	keys.master, keys.extended, keys.resumed = master, s.ExtendedMasterSecret, true
	m.x.suite = row
	if err := m.x.transcript.Start(row.Hash); err != nil {
		return internal(err, "the transcript could not be started")
	}
	r := &m.Result
	r.Resumed = true
	r.CipherSuite, r.Group, r.PeerScheme = s.CipherSuite, s.Group, s.PeerScheme
	r.ClientAuth, r.ExtendedMasterSecret = s.ClientAuth, s.ExtendedMasterSecret
	return nil
}
