package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// Both sides of TLS 1.2 make sessions, and resume them, in the same way.

// newSession12 is the session of this handshake, for the time after it.
func (m *Machine) newSession12(keys *session12) *session.Session {
	s := m.session(m.originOf())
	s.Secret, s.ExtendedMasterSecret = slices.Clone(keys.master.Bytes()), keys.extended
	s.Issued = m.now()
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
	m.Result.CipherSuite, m.Result.Group, m.Result.ExtendedMasterSecret = s.CipherSuite, s.Group, s.ExtendedMasterSecret
	return nil
}
