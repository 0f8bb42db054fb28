package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
)

// fake is a module with the habits of real ones: state that belongs to the process, handles that
// begin anew with each C_Initialize, private objects that are hidden without a login. What ends
// a process in a real one, it writes down.
type fake struct {
	path     string // its own
	mu       sync.Mutex
	ready    bool
	foreign  bool // initialized by other code
	tokens   []*fakeToken
	sessions map[uint]*fakeSession
	busy     map[uint]int // calls inside, by session number
	inits    int
	trim     bool // drops leading zeros of what it decrypted
	live     int
	crashes  []string
	calls    map[string]int

	// fault is asked before each call, without a lock; it may block.
	fault func(call string, session uint) error

	// late is called when a call has done its work and is about to return, without a lock.
	late func(call string)
}

type fakeToken struct {
	label, pin string
	flags      uint
	gone       bool
	in         bool // the user is logged in
	max        int  // sessions; 0 = any number
	objects    []*fakeObject
	shift      uint // added to object handles: they are renumbered when it changes
	mechanisms []uint
	logins     int // C_Login calls that looked at the PIN
}

type fakeSession struct {
	slot   uint
	active bool // an operation was initialized and not ended
	poison bool // answers CKR_OPERATION_ACTIVE to everything from now on
	key    *fakeObject
	m      mechanism
	in     bool // the context-specific login was done
}

type fakeObject struct {
	attributes map[uint][]byte
	private    bool
	key        crypto.Signer
}

// fakes counts modules, for their paths.
var fakes atomic.Int64

// newFake returns a module with one token, "fake", with PIN "1234" and the given keys.
func newFake(keys ...crypto.Signer) *fake {
	token := &fakeToken{
		label: "fake", pin: "1234", flags: ckfLoginRequired | ckfTokenInitialized,
		mechanisms: []uint{ckmRSAPKCS, ckmRSAX509, ckmRSAPKCSPSS, ckmECDSA, ckmEDDSA},
	}
	for i, k := range keys {
		token.add(k, []byte{byte(i + 1)}, fmt.Sprintf("key %d", i+1))
	}
	return &fake{path: fmt.Sprintf("/fake/%d.so", fakes.Add(1)), tokens: []*fakeToken{token}, sessions: map[uint]*fakeSession{}, busy: map[uint]int{}, calls: map[string]int{}}
}

// add puts a key pair into the token.
func (t *fakeToken) add(key crypto.Signer, id []byte, label string) *fakeObject {
	var kind uint
	common := map[uint][]byte{ckaID: id, ckaLabel: []byte(label), ckaSign: {1}, ckaDecrypt: {1}}
	public := map[uint][]byte{}
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		common[ckaModulus], common[ckaPublicExponent] = pub.N.Bytes(), big.NewInt(int64(pub.E)).Bytes()
	case *ecdsa.PublicKey:
		kind = ckkEC
		common[ckaECParams] = mustDER(map[elliptic.Curve]asn1.ObjectIdentifier{
			elliptic.P256(): oidP256, elliptic.P384(): oidP384, elliptic.P521(): oidP521,
		}[pub.Curve])
		public[ckaECPoint] = points(pub)[0]
	case ed25519.PublicKey:
		kind = ckkECEdwards
		common[ckaECParams] = mustDER(oidEd25519)
		public[ckaECPoint] = pub
	}
	object := func(class uint, more map[uint][]byte) *fakeObject {
		o := &fakeObject{attributes: map[uint][]byte{ckaClass: ulong(class), ckaKeyType: ulong(kind)}}
		for _, m := range []map[uint][]byte{common, more} {
			for k, v := range m {
				o.attributes[k] = v
			}
		}
		t.objects = append(t.objects, o)
		return o
	}
	object(ckoPublicKey, public)
	o := object(ckoPrivateKey, nil)
	o.private, o.key = true, key
	return o
}

func mustDER(v any) []byte {
	der, err := asn1.Marshal(v)
	if err != nil {
		panic(err)
	}
	return der
}

func ulong(n uint) []byte { return binary.NativeEndian.AppendUint64(nil, uint64(n)) }

// crash writes down what would have ended the process. f.mu is held.
func (f *fake) crash(format string, args ...any) {
	f.crashes = append(f.crashes, fmt.Sprintf(format, args...))
}

// begin is the beginning of every call; the function it returns is the end.
func (f *fake) begin(call string, session uint) (func(), error) {
	f.mu.Lock()
	f.calls[call]++
	f.live++
	if session != 0 {
		if f.busy[session] > 0 {
			f.crash("%s in session %d, which another call is in", call, session)
		}
		f.busy[session]++
	}
	fault, inits := f.fault, f.inits
	f.mu.Unlock()
	var err error
	if fault != nil {
		err = fault(call, session)
	}
	f.mu.Lock()
	if f.inits != inits || !f.ready && call != "Initialize" {
		f.crash("C_Finalize came while a call of %s was inside", call)
	}
	f.mu.Unlock()
	return func() {
		if f.late != nil {
			f.late(call)
		}
		f.mu.Lock()
		f.live--
		f.busy[session]--
		f.mu.Unlock()
	}, err
}

// in does one call of a session, under the lock but for its fault.
func (f *fake) in(call string, session uint, do func(*fakeSession, *fakeToken) error) error {
	end, err := f.begin(call, session)
	defer end()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready {
		f.crash("%s while the module is not initialized", call)
		return CryptokiNotInitialized
	}
	s := f.sessions[session]
	if s == nil {
		return SessionHandleInvalid
	}
	if s.poison && call != "CloseSession" {
		return OperationActive
	}
	return do(s, f.tokens[s.slot])
}

// out does one call without a session.
func (f *fake) out(call string, do func() error) error {
	end, err := f.begin(call, 0)
	defer end()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready {
		f.crash("%s while the module is not initialized", call)
		return CryptokiNotInitialized
	}
	return do()
}

func (f *fake) Initialize(string) error {
	end, err := f.begin("Initialize", 0)
	defer end()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready || f.foreign {
		f.ready = true
		return CryptokiInitialized
	}
	f.ready = true
	f.inits++
	f.sessions = map[uint]*fakeSession{}
	return nil
}

func (f *fake) Finalize() error {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	if fault != nil {
		if err := fault("Finalize", 0); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Finalize"]++
	if f.live > 0 {
		f.crash("C_Finalize under %d calls", f.live)
	}
	if !f.ready {
		return CryptokiNotInitialized
	}
	f.ready = false
	f.closeAll()
	return nil
}

// closeAll is what a module does that lost its tokens. f.mu is held.
func (f *fake) closeAll() {
	f.sessions = map[uint]*fakeSession{}
	for _, t := range f.tokens {
		t.in = false
	}
}

func (f *fake) GetInfo() (libraryInfo, error) { return libraryInfo{"makers", "a fake", 2, 40}, nil }

func (f *fake) GetSlotList() (slots []uint, err error) {
	err = f.out("GetSlotList", func() error {
		for i, t := range f.tokens {
			if !t.gone {
				slots = append(slots, uint(i))
			}
		}
		return nil
	})
	return slots, err
}

func (f *fake) GetSlotInfo(slot uint) (slotInfo, error) {
	return slotInfo{fmt.Sprintf("slot %d", slot), "makers"}, nil
}

func (f *fake) GetTokenInfo(slot uint) (i tokenInfo, err error) {
	err = f.out("GetTokenInfo", func() error {
		t := f.tokens[slot]
		i = tokenInfo{t.label, "makers", "model", fmt.Sprint(slot), t.flags}
		return nil
	})
	return i, err
}

func (f *fake) GetMechanismList(slot uint) (list []uint, err error) {
	err = f.out("GetMechanismList", func() error {
		list = f.tokens[slot].mechanisms
		return nil
	})
	return list, err
}

func (f *fake) OpenSession(slot uint) (handle uint, err error) {
	err = f.out("OpenSession", func() error {
		t := f.tokens[slot]
		if t.gone {
			return TokenNotPresent
		}
		n := 0
		for _, s := range f.sessions {
			if s.slot == slot {
				n++
			}
		}
		if t.max > 0 && n >= t.max {
			return SessionCount
		}
		for handle = 1; f.sessions[handle] != nil; handle++ {
		}
		f.sessions[handle] = &fakeSession{slot: slot}
		return nil
	})
	return handle, err
}

func (f *fake) CloseSession(session uint) error {
	return f.in("CloseSession", session, func(s *fakeSession, t *fakeToken) error {
		delete(f.sessions, session)
		for _, other := range f.sessions {
			if other.slot == s.slot {
				return nil
			}
		}
		t.in = false
		return nil
	})
}

func (f *fake) SessionState(session uint) (state uint, err error) {
	err = f.in("GetSessionInfo", session, func(_ *fakeSession, t *fakeToken) error {
		if t.gone {
			return DeviceRemoved
		}
		if t.in {
			state = cksROUserFunctions
		}
		return nil
	})
	return state, err
}

func (f *fake) Login(session, user uint, pin []byte) error {
	return f.in("Login", session, func(s *fakeSession, t *fakeToken) error {
		if user == ckuUser && t.in {
			return UserAlreadyLoggedIn
		}
		t.logins++
		if string(pin) != t.pin {
			return PINIncorrect
		}
		if user == ckuContextSpecific {
			s.in = true
		} else {
			t.in = true
		}
		return nil
	})
}

func (f *fake) FindObjects(session uint, template []attribute, limit int) (found []uint, err error) {
	err = f.in("FindObjects", session, func(_ *fakeSession, t *fakeToken) error {
		if t.gone {
			return nil
		}
	objects:
		for i, o := range t.objects {
			for _, a := range template {
				want, ok := a.value.([]byte)
				if n, isNumber := a.value.(uint); isNumber {
					want, ok = ulong(n), true
				}
				if !ok || !bytes.Equal(o.attributes[a.typ], want) {
					continue objects
				}
			}
			if (t.in || !o.private) && len(found) < limit {
				found = append(found, uint(i)+1+t.shift)
			}
		}
		return nil
	})
	return found, err
}

// object is the object of a handle.
func (t *fakeToken) object(handle uint) (*fakeObject, error) {
	i := handle - 1 - t.shift
	if t.gone || i >= uint(len(t.objects)) || t.objects[i].private && !t.in {
		return nil, ObjectHandleInvalid
	}
	return t.objects[i], nil
}

func (f *fake) GetAttributeValue(session, object, typ uint) (value []byte, err error) {
	err = f.in("GetAttributeValue", session, func(_ *fakeSession, t *fakeToken) error {
		o, err := t.object(object)
		if err == nil {
			value = o.attributes[typ]
		}
		return err
	})
	return value, err
}

func (f *fake) SignInit(session uint, m mechanism, key uint) error {
	return f.init("SignInit", session, m, key)
}

func (f *fake) DecryptInit(session uint, m mechanism, key uint) error {
	return f.init("DecryptInit", session, m, key)
}

func (f *fake) init(call string, session uint, m mechanism, key uint) error {
	return f.in(call, session, func(s *fakeSession, t *fakeToken) error {
		if s.active {
			return OperationActive
		}
		o, err := t.object(key)
		if err != nil {
			return err
		}
		if o.key == nil {
			return KeyHandleInvalid
		}
		if !slices.Contains(t.mechanisms, m.typ) {
			return MechanismInvalid
		}
		s.active, s.key, s.m, s.in = true, o, m, false
		return nil
	})
}

// use takes what init left in the session.
func (f *fake) use(call string, session uint) (key crypto.Signer, m mechanism, err error) {
	err = f.in(call, session, func(s *fakeSession, t *fakeToken) error {
		switch {
		case !s.active:
			return OperationNotInited
		case isTrue(s.key.attributes[ckaAlwaysAuthenticate], false) && !s.in:
			s.active = false
			return UserNotLoggedIn
		}
		s.active = false
		key, m = s.key.key, s.m
		return nil
	})
	return key, m, err
}

func (f *fake) Sign(session uint, data []byte) ([]byte, error) {
	key, m, err := f.use("Sign", session)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if m.pss != nil {
			for h, d := range digests {
				if d.hash == m.pss.hash {
					return rsa.SignPSS(rand.Reader, key, h, data, &rsa.PSSOptions{SaltLength: int(m.pss.saltLen)})
				}
			}
		}
		return rsa.SignPKCS1v15(nil, key, 0, data)
	case *ecdsa.PrivateKey:
		der, err := key.Sign(rand.Reader, data, nil)
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			return nil, err
		}
		n := orderLen(&key.PublicKey)
		return append(rs.R.FillBytes(make([]byte, n)), rs.S.FillBytes(make([]byte, n))...), err
	}
	return key.Sign(nil, data, crypto.Hash(0))
}

func (f *fake) Decrypt(session uint, data []byte) ([]byte, error) {
	key, m, err := f.use("Decrypt", session)
	if err != nil {
		return nil, err
	}
	k := key.(*rsa.PrivateKey)
	if m.typ == ckmRSAX509 {
		n := new(big.Int).Exp(new(big.Int).SetBytes(data), k.D, k.N)
		if f.trim {
			return n.Bytes(), nil
		}
		return n.FillBytes(make([]byte, k.Size())), nil
	}
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	out, err := rsa.DecryptPKCS1v15(nil, k, data)
	if err != nil {
		return nil, GeneralError
	}
	return out, nil
}
