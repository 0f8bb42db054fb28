package pkcs11

import (
	"errors"
	"time"
)

// session is one session of a module. One goroutine uses it at a time, and it is thrown away
// after any error: a failed operation may have left it in the middle of another.
type session struct {
	m      *module
	gen    uint64 // of m
	handle uint

	// Guarded by m.mu.
	calls   int  // inside of the library
	closing bool // the call inside is C_CloseSession
	lost    bool // closed, or another session bears its handle now

	link *link
	keys map[*Key]uint // handles of private keys, good for this session

	spent bool // to be closed when the worker has answered
}

const (
	// maxOpenTries bounds how often a session is opened anew whose handle is in use.
	maxOpenTries = 4
	// A handle whose old session is being closed this very moment is waited for.
	maxCloseWait, closeWait = 1000, time.Millisecond
)

// openSession opens a session with the token in slot.
//
// A module that lost a token has closed its sessions, and gives their numbers to new ones. A
// worker that still believes in the old session must not meet the new one: two calls in one
// session end the process. So the old one is told, unless it is inside of the library right
// now; then the new one is given up.
func openSession(m *module, gen uint64, slot uint) (*session, error) {
	for range maxOpenTries {
		if err := m.enter(gen); err != nil {
			return nil, err
		}
		handle, err := m.lib.OpenSession(slot)
		m.leave()
		if err != nil {
			return nil, called("C_OpenSession", err)
		}
		s := &session{m: m, gen: gen, handle: handle}
		if m.adopt(s) {
			return s, nil
		}
	}
	return nil, errStale
}

// adopt makes s the owner of its handle.
func (m *module) adopt(s *session) bool {
	for range maxCloseWait {
		m.mu.Lock()
		old := m.sessions[s.handle]
		if s.gen == m.gen && (old == nil || old.calls == 0) {
			if old != nil {
				old.lost = true
			}
			m.sessions[s.handle] = s
			m.mu.Unlock()
			return true
		}
		wait := s.gen == m.gen && old.closing
		m.mu.Unlock()
		if !wait {
			return false
		}
		time.Sleep(closeWait)
	}
	return false
}

// enter begins a call with s. Errors: errStale, errHung.
func (s *session) enter() error {
	if err := s.m.take(); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.gen != s.m.gen || !s.m.ready || s.m.alone || s.lost {
		s.m.give()
		return errStale
	}
	s.m.live++
	s.calls++
	return nil
}

func (s *session) leave() {
	s.m.mu.Lock()
	s.calls--
	s.m.mu.Unlock()
	s.m.leave()
}

// close closes s if it is still its own. It reports nothing: s may be closed because it broke.
func (s *session) close() {
	if s.enter() != nil {
		return
	}
	s.m.mu.Lock()
	s.closing = true
	s.m.mu.Unlock()
	_ = s.m.lib.CloseSession(s.handle)
	s.m.mu.Lock()
	s.lost = true
	if s.m.sessions[s.handle] == s {
		delete(s.m.sessions, s.handle)
	}
	s.m.mu.Unlock()
	s.leave()
}

// loggedIn reports whether the user of s's token is logged in.
func (s *session) loggedIn() (bool, error) {
	if err := s.enter(); err != nil {
		return false, err
	}
	defer s.leave()
	state, err := s.m.lib.SessionState(s.handle)
	return state == cksROUserFunctions || state == cksRWUserFunctions, called("C_GetSessionInfo", err)
}

// login logs a user in. Being logged in already is as good.
func (s *session) login(user uint, pin []byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := s.m.lib.Login(s.handle, user, pin); err != nil && !errors.Is(err, UserAlreadyLoggedIn) {
		return called("C_Login", err)
	}
	return nil
}

// find returns the objects that template describes, at most limit.
func (s *session) find(limit int, template ...attribute) ([]uint, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	found, err := s.m.lib.FindObjects(s.handle, template, limit)
	return found, called("C_FindObjects", err)
}

// attribute reads one attribute of an object; nil if it has none.
func (s *session) attribute(object, typ uint) ([]byte, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	value, err := s.m.lib.GetAttributeValue(s.handle, object, typ)
	return value, called("C_GetAttributeValue", err)
}
