package pkcs11

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Token is an open token. All methods are safe on any goroutine.
type Token struct {
	cfg Config
	uri *URI
	m   *module

	mu      sync.Mutex
	link    *link         // nil while the token is lost or looked at
	attempt chan struct{} // open while the token is looked at, see relink
	lost    error         // why the token is away; nil before the first attempt failed
	refused error         // that a PIN was refused
	keys    []*Key
	absence absence // of all private keys

	queue   []*request
	running map[*request]bool
	work    *sync.Cond    // signaled for each new request, and by Close
	idle    int           // workers that wait for one
	workers int           // without those that are stuck
	limit   int           // of workers; below Config.Workers where the token has too few sessions
	shrunk  time.Time     // when limit was lowered
	open    int           // sessions of workers
	opening int           // and those that are asked for
	dropped uint64        // how many workers have given back
	stuck   int           // workers in a call that does not come back
	alive   int           // goroutines: workers, stuck ones, relink's
	closed  bool          // no more requests
	closing chan struct{} // closed by Close, at its beginning
	ended   chan struct{} // closed by Close, when it waits no longer
	gone    chan struct{} // closed when closed and alive is 0
	asking  chan struct{} // has room for the one login that is under way
	counts  Metrics
}

// link is a login: a slot, the anchor that keeps the user logged in, and what the token can do.
// Sessions are of one link and are thrown away with it.
type link struct {
	gen        uint64
	slot       uint
	info       tokenInfo
	anchor     *session // idle, and used by relink only
	mechanisms []uint
}

// Info says what token was opened.
type Info struct {
	Label, Manufacturer, Model, Serial string
	Slot                               uint
}

// Open loads the module, finds the token and logs in. It may take as long as the token does,
// but no longer than Config.Timeout. The caller closes the Token.
//
// Errors say why a module does not load, which tokens there are when none fits or several do,
// and ErrPINRefused.
func Open(cfg Config) (*Token, error) {
	cfg, u, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	m, err := moduleAt(cfg.Module)
	if err != nil {
		return nil, err
	}
	t := &Token{cfg: cfg, uri: u, m: m, limit: cfg.Workers, running: map[*request]bool{},
		closing: make(chan struct{}), ended: make(chan struct{}), gone: make(chan struct{}), asking: make(chan struct{}, 1)}
	t.work = sync.NewCond(&t.mu)
	over := make(chan struct{})
	timer := time.AfterFunc(cfg.Timeout, func() { close(over) })
	defer timer.Stop()
	opened := make(chan error, 1)
	go func() { opened <- t.begin(over) }()
	select {
	case err = <-opened:
	case <-over:
		err = fmt.Errorf("pkcs11: opening: %w", ErrTimeout)
		go func() { // whatever hangs may end
			if <-opened == nil {
				_ = t.Close()
			}
		}()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// begin takes a share in the module and makes the first link.
func (t *Token) begin(over <-chan struct{}) error {
	if err := t.m.join(t.cfg.InitArgs, t.cfg.load, over); err != nil {
		return err
	}
	t.mu.Lock()
	t.relink(nil, false)
	attempt := t.attempt
	t.mu.Unlock()
	<-attempt
	err := t.lostError()
	if err != nil {
		_ = t.Close()
	}
	return err
}

func (t *Token) lostError() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// Info returns what the token says of itself.
func (t *Token) Info() Info {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.link == nil {
		return Info{}
	}
	i := t.link.info
	return Info{i.label, i.manufacturer, i.model, i.serial, t.link.slot}
}

// connect finds the token and logs in.
func (t *Token) connect() (*link, error) {
	gen := t.m.generation(min(maxDrain, t.cfg.Timeout))
	slot, info, err := t.choose(gen)
	if err != nil {
		return nil, err
	}
	anchor, err := openSession(t.m, gen, slot)
	if err != nil {
		return nil, err
	}
	l := &link{gen: gen, slot: slot, info: info, anchor: anchor}
	if err = t.authenticate(l); err == nil {
		l.mechanisms, err = t.mechanisms(gen, slot)
	}
	if err != nil {
		anchor.close()
		return nil, err
	}
	return l, nil
}

// authenticate logs in with l's anchor if the token wants that.
func (t *Token) authenticate(l *link) error {
	if l.info.flags&ckfLoginRequired == 0 {
		return nil
	}
	in, err := l.anchor.loggedIn()
	switch {
	case err != nil:
		return err
	case in:
		return nil
	case l.info.flags&ckfUserPINLocked != 0:
		return t.refuse(fmt.Errorf("pkcs11: the PIN of token %q is locked: %w", l.info.label, PINLocked))
	case l.info.flags&ckfUserPINFinalTry != 0:
		return t.refuse(fmt.Errorf("pkcs11: one more wrong PIN would lock token %q: log in by other means first", l.info.label))
	}
	return t.login(l.anchor, ckuUser, PINRequest{Token: l.info.label, Serial: l.info.serial},
		l.info.flags&ckfProtectedAuthenticationPath != 0)
}

func (t *Token) mechanisms(gen uint64, slot uint) ([]uint, error) {
	if err := t.m.enter(gen); err != nil {
		return nil, err
	}
	defer t.m.leave()
	list, err := t.m.lib.GetMechanismList(slot)
	return list, called("C_GetMechanismList", err)
}

// errNoToken says that the module works but has not the token.
var errNoToken = errors.New("pkcs11: there is no such token")

// errNoSlots says that the module sees no token at all, which is also how p11-kit calls a server
// that is not there.
var errNoSlots = errors.New("pkcs11: the module has no token in any slot")

// choose finds the one token that the URI describes.
func (t *Token) choose(gen uint64) (uint, tokenInfo, error) {
	if err := t.m.enter(gen); err != nil {
		return 0, tokenInfo{}, err
	}
	defer t.m.leave()
	lib, u := t.m.lib, t.uri
	if u.LibraryManufacturer != "" || u.LibraryDescription != "" || u.LibraryVersion != "" {
		i, err := lib.GetInfo()
		if err != nil {
			return 0, tokenInfo{}, called("C_GetInfo", err)
		}
		if !fits(u.LibraryManufacturer, i.manufacturer) || !fits(u.LibraryDescription, i.description) ||
			!versionFits(u.LibraryVersion, i.major, i.minor) {
			return 0, tokenInfo{}, fmt.Errorf("pkcs11: the module is %q %d.%d of %q, not what the URI describes",
				i.description, i.major, i.minor, i.manufacturer)
		}
	}
	slots, err := lib.GetSlotList()
	if err != nil {
		return 0, tokenInfo{}, called("C_GetSlotList", err)
	}
	if len(slots) == 0 {
		return 0, tokenInfo{}, errNoSlots
	}
	var found []uint
	var infos []tokenInfo
	var others []string
	var failed error
	for _, slot := range slots {
		info, err := lib.GetTokenInfo(slot)
		if err != nil {
			failed = called("C_GetTokenInfo", err)
			continue
		}
		if ok, err := t.describes(slot, info); err != nil {
			failed = err
		} else if ok {
			found, infos = append(found, slot), append(infos, info)
		}
		others = append(others, fmt.Sprintf("%q (slot %d, serial %s)", info.label, slot, info.serial))
	}
	switch len(found) {
	case 1:
		return found[0], infos[0], nil
	case 0:
		if failed != nil {
			return 0, tokenInfo{}, fmt.Errorf("%w: %w", errNoToken, failed)
		}
		return 0, tokenInfo{}, fmt.Errorf("%w as %v: the module has %s", errNoToken, u, strings.Join(others, ", "))
	}
	return 0, tokenInfo{}, fmt.Errorf("pkcs11: %v describes %d tokens: the module has %s", u, len(found), strings.Join(others, ", "))
}

// describes reports whether the URI describes the token in slot. Tokens that were never
// initialized are none.
func (t *Token) describes(slot uint, i tokenInfo) (bool, error) {
	u := t.uri
	if i.flags&ckfTokenInitialized == 0 || u.SlotID >= 0 && uint64(u.SlotID) != uint64(slot) ||
		!fits(u.Token, i.label) || !fits(u.Manufacturer, i.manufacturer) || !fits(u.Serial, i.serial) || !fits(u.Model, i.model) {
		return false, nil
	}
	if u.SlotDescription == "" && u.SlotManufacturer == "" {
		return true, nil
	}
	s, err := t.m.lib.GetSlotInfo(slot)
	return fits(u.SlotDescription, s.description) && fits(u.SlotManufacturer, s.manufacturer), called("C_GetSlotInfo", err)
}

// fits compares an attribute of a URI with what a module says, in which blanks fill the field.
func fits(want, is string) bool { return want == "" || want == strings.TrimRight(is, " \x00") }

// versionFits compares a library-version, "M" or "M.N".
func versionFits(want string, major, minor byte) bool {
	return want == "" || want == fmt.Sprintf("%d.%d", major, minor) || minor == 0 && want == fmt.Sprint(major)
}
