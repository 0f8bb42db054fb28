package pkcs11

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// module is one library of this process, however many tokens of it are open. What a PKCS #11
// module knows of sessions, logins and objects belongs to the process, and so does this.
//
// No call into the library is made with mu held: it may hang, and mu is taken everywhere.
type module struct {
	path string

	mu       sync.Mutex
	lib      library // nil until it is loaded
	users    int     // tokens that are open
	up       int     // tokens of them that work
	args     string  // what it was initialized with
	foreign  bool    // initialized by someone else in this process: not ours to finalize
	ours     bool    // initialized by us
	ready    bool    // between C_Initialize and C_Finalize
	alone    bool    // somebody has the library for himself, or waits for the last call to leave
	gen      uint64  // counts C_Initialize
	live     int     // calls inside of the library
	idle     chan struct{}
	sessions map[uint]*session // by handle, those of gen

	// turn has room for the one call that may be inside of a library that is of no use to more;
	// nil for the others.
	turn chan struct{}
}

// maxTurn bounds how long a call waits for its turn.
const maxTurn = 10 * time.Second

// errHung is what a call gets that waited for its turn in vain.
var errHung = errors.New("pkcs11: another call does not come back from the module")

// modules are those that were asked for, by path with all symbolic links resolved. They are never
// unloaded: see load.
var modules struct {
	sync.Mutex
	byPath map[string]*module
}

// moduleAt returns the one module of path.
func moduleAt(path string) (*module, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path // load finds out why
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, fmt.Errorf("pkcs11: module %s: %w", path, err)
	}
	modules.Lock()
	defer modules.Unlock()
	m := modules.byPath[real]
	if m == nil {
		m = &module{path: real}
		if oneAtATime(real) {
			m.turn = make(chan struct{}, 1)
		}
		if modules.byPath == nil {
			modules.byPath = map[string]*module{}
		}
		modules.byPath[real] = m
	}
	return m, nil
}

// oneAtATime reports whether calls have to go into the module at path one after the other. In
// p11-kit's client, calls that wait for their answers while another one meets the server's end are
// never woken, and so nothing but the end of the process would bring the token back. Nothing is lost:
// it has one socket, and a server that answers in order.
func oneAtATime(path string) bool { return strings.Contains(filepath.Base(path), "p11-kit") }

// take waits for the turn of a call, give ends it. Errors: errHung.
func (m *module) take() error {
	if m.turn == nil {
		return nil
	}
	select {
	case m.turn <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(maxTurn)
	defer timer.Stop()
	select {
	case m.turn <- struct{}{}:
		return nil
	case <-timer.C:
		return errHung
	}
}

func (m *module) give() {
	if m.turn != nil {
		<-m.turn
	}
}

// join adds a user, the first of whom loads and initializes the library. over ends the wait for
// somebody who has the library for himself.
func (m *module) join(args string, load func(string) (library, error), over <-chan struct{}) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.alone {
		m.mu.Unlock()
		select {
		case <-over:
			m.mu.Lock()
			return fmt.Errorf("pkcs11: module %s is being set up: %w", m.path, ErrTimeout)
		case <-time.After(time.Millisecond):
			m.mu.Lock()
		}
	}
	left := m.ready && m.users == 0 && m.ours // by leaves, under a call
	if m.ready && args != m.args && (m.users > 0 || left && m.live > 0) {
		return fmt.Errorf("pkcs11: module %s is in use already, initialized with %q instead of %q", m.path, m.args, args)
	}
	if left && args != m.args {
		m.alone = true
		err := m.finalize()
		m.alone = false
		if err != nil {
			return err
		}
	}
	if !m.ready {
		m.alone, m.args = true, args
		defer func() { m.alone = false }()
		if m.lib == nil {
			m.mu.Unlock()
			lib, err := load(m.path)
			m.mu.Lock()
			if err != nil {
				return err
			}
			m.lib = lib
		}
		if err := m.initialize(); err != nil {
			return err
		}
	}
	m.users++
	return nil
}

// initialize begins a new generation. m.mu is held before and after, and m.alone is set.
func (m *module) initialize() error {
	m.mu.Unlock()
	err := m.lib.Initialize(m.args)
	m.mu.Lock()
	m.gen++
	m.sessions = map[uint]*session{}
	already := errors.Is(err, CryptokiInitialized)
	if err != nil && !already {
		return fmt.Errorf("pkcs11: module %s: %w", m.path, called("C_Initialize", err))
	}
	m.foreign = already && !m.ours // ours if C_Finalize has failed
	m.ours, m.ready = !m.foreign, true
	return nil
}

// finalize ends the generation. m.mu is held before and after, and m.alone is set.
func (m *module) finalize() error {
	m.ready = false
	m.mu.Unlock()
	err := m.lib.Finalize()
	m.mu.Lock()
	m.gen++
	if err != nil && !errors.Is(err, CryptokiNotInitialized) {
		return fmt.Errorf("pkcs11: module %s: %w", m.path, called("C_Finalize", err))
	}
	m.ours = false
	return nil
}

// generation is what enter wants, until the next C_Initialize. While somebody has the library for
// himself, it waits for the end of that, but not for ever.
func (m *module) generation(patience time.Duration) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for end := time.Now().Add(patience); m.alone && time.Now().Before(end); {
		m.mu.Unlock()
		time.Sleep(time.Millisecond)
		m.mu.Lock()
	}
	return m.gen
}

// enter begins a call into the library of generation gen, leave ends it. As long as a call is
// inside, the library is not finalized. Errors: errStale, errHung.
func (m *module) enter(gen uint64) error {
	if err := m.take(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if gen != m.gen || !m.ready || m.alone {
		m.give()
		return errStale
	}
	m.live++
	return nil
}

func (m *module) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live--
	if m.live == 0 && m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
	m.give()
}

// drain lets no more calls in and waits for those inside. If it returns true, m.alone stays
// set until the caller is done. m.mu is held before and after, not meanwhile.
func (m *module) drain(patience time.Duration) bool {
	m.alone = true
	if m.live == 0 {
		return true
	}
	idle := make(chan struct{})
	m.idle = idle
	m.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
	m.mu.Lock()
	if m.live == 0 {
		return true
	}
	m.idle = nil
	m.alone = false
	return false
}

// reinitialize finalizes and initializes the library, which brings back what nothing else does:
// p11-kit's connection to a server that died. It does nothing if that happened since gen.
func (m *module) reinitialize(gen uint64, patience time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.gen != gen && m.ready:
		return nil
	case m.foreign:
		return fmt.Errorf("pkcs11: module %s was initialized by other code of this process and cannot be set up anew", m.path)
	case m.alone:
		return errStale // somebody else is at it
	case !m.drain(patience):
		return fmt.Errorf("pkcs11: module %s cannot be set up anew: %w", m.path, ErrInUse)
	}
	defer func() { m.alone = false }()
	if m.ready {
		_ = m.finalize() // if it fails, C_Initialize may help all the same
	}
	return m.initialize()
}

// leaves takes a user away. The last one finalizes the library if no call is inside, and
// otherwise leaves it initialized: finalizing under a call crashes. Errors: ErrInUse, the
// module's own.
func (m *module) leaves(patience time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	if m.users > 0 || m.foreign || !m.ready && !m.alone {
		return nil
	}
	if m.alone || !m.drain(patience) {
		return fmt.Errorf("%w: %s is left initialized", ErrInUse, m.path)
	}
	defer func() { m.alone = false }()
	if m.users > 0 {
		return nil
	}
	return m.finalize()
}

// rise and fall count the tokens that work, for lonely.
func (m *module) rise() { m.mu.Lock(); m.up++; m.mu.Unlock() }
func (m *module) fall() { m.mu.Lock(); m.up--; m.mu.Unlock() }

// lonely reports whether no token of the module works, so that setting it up anew hurts nobody.
func (m *module) lonely() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up == 0
}
