package pkcs11

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// module is one library of this process, however many tokens of it are open. What a PKCS #11
// module knows of sessions, logins and objects belongs to the process, and so does this.
type module struct {
	path string
	lib  library

	mu       sync.Mutex
	users    int    // tokens that are open
	up       int    // tokens of them that work
	args     string // what it was initialized with
	foreign  bool   // initialized by someone else in this process: not ours to finalize
	ready    bool   // between C_Initialize and C_Finalize
	draining bool   // somebody waits for the last call before C_Finalize
	gen      uint64 // counts C_Initialize
	live     int    // calls inside of the library
	idle     chan struct{}
	sessions map[uint]*session // by handle, those of gen
}

// modules are those that were loaded, by path with all symbolic links resolved. They are never
// unloaded: see load.
var modules struct {
	sync.Mutex
	byPath map[string]*module
}

// acquire loads and initializes the module at path, or takes one more share in it.
func acquire(path, args string, load func(path string) (library, error)) (*module, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path // load finds out why
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, fmt.Errorf("pkcs11: module %s: %w", path, err)
	}
	modules.Lock()
	m := modules.byPath[real]
	if m == nil {
		lib, err := load(real)
		if err != nil {
			modules.Unlock()
			return nil, err
		}
		m = &module{path: real, lib: lib}
		if modules.byPath == nil {
			modules.byPath = map[string]*module{}
		}
		modules.byPath[real] = m
	}
	modules.Unlock()
	return m, m.join(args)
}

// join adds a user, the first of whom initializes the library.
func (m *module) join(args string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.draining { // the last user is about to finalize it
		m.mu.Unlock()
		time.Sleep(time.Millisecond)
		m.mu.Lock()
	}
	if m.ready {
		if args != m.args {
			return fmt.Errorf("pkcs11: module %s is in use already, initialized with %q instead of %q", m.path, m.args, args)
		}
		m.users++
		return nil
	}
	m.args = args
	if err := m.initialize(); err != nil {
		return err
	}
	m.users++
	return nil
}

// initialize begins a new generation. m.mu is held, so that nobody is inside of the library.
func (m *module) initialize() error {
	m.gen++
	m.sessions = map[uint]*session{}
	err := m.lib.Initialize(m.args)
	m.foreign = errors.Is(err, CryptokiInitialized)
	if err != nil && !m.foreign {
		return fmt.Errorf("pkcs11: module %s: %w", m.path, called("C_Initialize", err))
	}
	m.ready = true
	return nil
}

// generation is what enter wants, until the next C_Initialize.
func (m *module) generation() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gen
}

// enter begins a call into the library of generation gen, leave ends it. As long as a call is
// inside, the library is not finalized. Errors: errStale.
func (m *module) enter(gen uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if gen != m.gen || !m.ready || m.draining {
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
}

// drain lets no more calls in and waits for those inside. If it returns true, m.draining stays
// set and the library is the caller's alone. m.mu is held before and after, not meanwhile.
func (m *module) drain(patience time.Duration) bool {
	m.draining = true
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
	m.draining = false
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
	case m.draining:
		return errStale // somebody else is at it
	case !m.drain(patience):
		return fmt.Errorf("pkcs11: module %s cannot be set up anew: %w", m.path, ErrInUse)
	}
	defer func() { m.draining = false }()
	if m.ready {
		m.ready = false
		if err := m.lib.Finalize(); err != nil && !errors.Is(err, CryptokiNotInitialized) {
			m.ready = true
			return fmt.Errorf("pkcs11: module %s: %w", m.path, called("C_Finalize", err))
		}
	}
	return m.initialize()
}

// release takes a user away. The last one finalizes the library if no call is inside, and
// otherwise leaves it initialized: finalizing under a call crashes. Errors: ErrInUse, the
// module's own.
func (m *module) release(patience time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	if m.users > 0 || m.foreign || !m.ready || m.draining {
		return nil
	}
	if !m.drain(patience) {
		return fmt.Errorf("%w: %s is left initialized", ErrInUse, m.path)
	}
	defer func() { m.draining = false }()
	if m.users > 0 {
		return nil
	}
	m.ready = false
	m.gen++
	return called("C_Finalize", m.lib.Finalize())
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
