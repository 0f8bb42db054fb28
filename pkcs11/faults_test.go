package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

// signs makes one signature and checks it.
func signs(t testing.TB, k *Key) error {
	t.Helper()
	digest := make([]byte, 32)
	out, err := k.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest, out) {
		t.Error("a wrong signature was handed out")
	}
	return nil
}

// keyOf finds the private half of a test's key.
func keyOf(t testing.TB, token *Token, key crypto.Signer) *Key {
	t.Helper()
	k, err := token.KeyOf(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// eventually waits until ok, for faults that take their time to heal.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// A fault that lies in a session, a login or a handle is healed within the operation that met it.
func TestFaultsAreHealedWithinTheOperation(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*fake)
	}{
		{"the sessions are dead", func(f *fake) { f.closeAll() }},
		{"the sessions are dead and objects renumbered", func(f *fake) { f.closeAll(); f.tokens[0].shift += 2 }},
		{"objects are renumbered, so that handles mean other objects", func(f *fake) { f.tokens[0].shift += 2 }},
		{"the user was logged out", func(f *fake) { f.tokens[0].in = false }},
		{"all sessions are in the middle of something", func(f *fake) {
			for _, s := range f.sessions {
				s.active = true
			}
		}},
		{"all sessions are poisoned", func(f *fake) {
			for _, s := range f.sessions {
				s.poison = true
			}
		}},
		{"a lost session is called HostMemory", once("SignInit", HostMemory)},
		{"a lost session is called DeviceError", once("Sign", DeviceError)},
		{"a lost session is called ObjectHandleInvalid", once("SignInit", ObjectHandleInvalid)},
		{"a lost login is called UserNotLoggedIn", once("Sign", UserNotLoggedIn)},
		{"the module was finalized by other code", once("SignInit", CryptokiNotInitialized)},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(testP384(), testP256())
			token := f.open(t, func(c *Config) { c.Workers = 1 })
			k := keyOf(t, token, testP256())
			if err := signs(t, k); err != nil {
				t.Fatal(err)
			}
			f.change(func() { test.fault(f) })
			if err := signs(t, k); err != nil {
				t.Errorf("signing after the fault: %v", err)
			}
			if err := signs(t, k); err != nil {
				t.Errorf("signing again: %v", err)
			}
			if m := token.Metrics(); m.Retried == 0 || m.Failed != 0 {
				t.Errorf("%d operations were retried and %d failed", m.Retried, m.Failed)
			}
		})
	}
}

// once lets one call of a function fail.
func once(call string, err error) func(*fake) {
	return func(f *fake) {
		var done atomic.Bool
		f.fault = func(c string, _ uint) error {
			if c == call && done.CompareAndSwap(false, true) {
				return err
			}
			return nil
		}
	}
}

// Errors that mean no loss are reported as they are; the session is thrown away all the same.
func TestOtherErrorsAreReported(t *testing.T) {
	for _, want := range []Error{GeneralError, FunctionFailed, KeyTypeInconsistent, KeyNotPermitted, DataLenRange} {
		f := newFake(testP256())
		token := f.open(t, func(c *Config) { c.Workers = 1 })
		k := keyOf(t, token, testP256())
		before := token.Metrics().Sessions
		f.change(func() { once("Sign", want)(f) })
		if err := signs(t, k); !errors.Is(err, want) {
			t.Errorf("signing: %v, want %v", err, want)
		}
		if err := signs(t, k); err != nil {
			t.Errorf("signing after %v: %v", want, err)
		}
		if m := token.Metrics(); m.Sessions != before+1 || m.Retried != 0 {
			t.Errorf("after %v: %d new sessions and %d retries, want 1 and 0", want, m.Sessions-before, m.Retried)
		}
	}
}

// A mechanism that the token lists and refuses is offered no more.
func TestRefusedMechanismIsNotOffered(t *testing.T) {
	f := newFake(testRSA())
	token := f.open(t)
	k := keyOf(t, token, testRSA())
	all := len(k.SignatureSchemes())
	f.change(func() { once("SignInit", MechanismParamInvalid)(f) })
	if _, err := k.Sign(nil, make([]byte, 64), crypto.SHA512); !errors.Is(err, MechanismParamInvalid) {
		t.Fatalf("signing: %v", err)
	}
	if left := k.SignatureSchemes(); len(left) != all-1 {
		t.Errorf("the key offers %v, want one scheme less than before", left)
	}
	if k.CanSign(iana.RSAPKCS1SHA512) || !k.CanSign(iana.RSAPKCS1SHA256) {
		t.Error("certificates that were made before do not hear of it")
	}
}

// A token that is taken away fails operations at once, with ErrLost, and works again when it is
// back, without being asked.
func TestTokenRemovedAndBack(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t)
	k := keyOf(t, token, testP256())
	f.change(func() { f.tokens[0].gone = true; f.closeAll() })
	for range 3 {
		if err := signs(t, k); !errors.Is(err, ErrLost) {
			t.Fatalf("signing without a token: %v", err)
		}
	}
	if token.Metrics().Up {
		t.Error("Metrics calls the token up")
	}
	f.change(func() { f.tokens[0].gone = false })
	eventually(t, "finding the token", func() bool { return token.Metrics().Up })
	if err := signs(t, k); err != nil {
		t.Errorf("signing after it is back: %v", err)
	}
}

// p11-kit: after its worker was killed, everything is DeviceError, until C_Finalize and
// C_Initialize; while the server is away, those bring no slots.
func TestOnlyReinitializationHelps(t *testing.T) {
	for _, finalizes := range []bool{true, false} {
		onlyReinitializationHelps(t, finalizes)
	}
}

func onlyReinitializationHelps(t *testing.T, finalizes bool) {
	f := newFake(testP256())
	var broken atomic.Bool
	f.fault = func(call string, _ uint) error {
		if call == "Initialize" {
			broken.Store(false)
		} else if broken.Load() && (call != "Finalize" || !finalizes) {
			return DeviceError
		}
		return nil
	}
	token := f.open(t)
	k := keyOf(t, token, testP256())
	broken.Store(true)
	if err := signs(t, k); err != nil {
		t.Fatalf("signing after the worker was killed: %v", err)
	}
	if m := token.Metrics(); m.Reinitializations != 1 {
		t.Errorf("%d reinitializations, want 1", m.Reinitializations)
	}

	broken.Store(true)
	f.change(func() { f.tokens[0].gone = true })
	if err := signs(t, k); !errors.Is(err, ErrLost) || !errors.Is(err, errNoSlots) {
		t.Errorf("signing while the server is away: %v", err)
	}
	f.change(func() { f.tokens[0].gone = false })
	eventually(t, "finding the server", func() bool { return token.Metrics().Up })
	if err := signs(t, k); err != nil {
		t.Errorf("signing after the server is back: %v", err)
	}
}

// After C_Initialize, numbers of sessions and objects are those of before, and mean others. Two
// tokens share the module: what one does to it must not mislead the other's workers.
func TestReinitializationAliasesNoHandle(t *testing.T) {
	f := newFake(testP256())
	second := newFake(testP384(), testP256()).tokens[0]
	second.label = "second"
	f.tokens = append(f.tokens, second)
	one := f.open(t)
	two := f.open(t, func(c *Config) { c.URI = "pkcs11:token=second" })
	k1, k2 := keyOf(t, one, testP256()), keyOf(t, two, testP256())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var good atomic.Int64
	for _, k := range []*Key{k1, k1, k2, k2} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if signs(t, k) == nil {
						good.Add(1)
					}
				}
			}
		})
	}
	for i := range 30 {
		time.Sleep(3 * time.Millisecond)
		f.change(func() { second.shift = uint(i % 3); f.closeAll() })
		_ = one.m.reinitialize(one.m.generation(time.Second), time.Second)
	}
	close(stop)
	wg.Wait()
	for _, k := range []*Key{k1, k2} {
		eventually(t, "signing after all of it", func() bool { return signs(t, k) == nil })
	}
	if good.Load() == 0 {
		t.Error("nothing was signed meanwhile")
	}
}

// A module that lost its sessions gives their numbers out again, while workers still believe in
// the old ones: no two calls may meet in one session.
func TestSessionNumbersAreReused(t *testing.T) {
	f := newFake(testP256())
	f.fault = func(call string, _ uint) error {
		if call == "Sign" {
			time.Sleep(200 * time.Microsecond)
		}
		return nil
	}
	token := f.open(t, func(c *Config) { c.Workers = 8 })
	k := keyOf(t, token, testP256())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 60 {
				_ = signs(t, k)
			}
		})
	}
	for range 40 {
		time.Sleep(time.Millisecond)
		f.change(func() { clear(f.sessions) }) // also under the calls that are inside
	}
	wg.Wait()
	eventually(t, "signing after all of it", func() bool { return signs(t, k) == nil })
}

// With fewer sessions than workers, the others do the work, and with one for the login and one to
// work there is no error; not while one of them has a session that it does not yet know of, or has
// given one back and does not yet know that either.
func TestSessionLimit(t *testing.T) {
	for i, max := range []int{2, 3, 5, 2, 3, 5} {
		f := newFake(testP256())
		f.tokens[0].max = max
		if i >= 3 {
			f.late = func(call string) {
				if call == "OpenSession" || call == "CloseSession" {
					time.Sleep(2 * time.Millisecond)
				}
			}
		}
		f.fault = func(call string, _ uint) error {
			if call == "Sign" {
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		token := f.open(t, func(c *Config) { c.Workers = 8 })
		k := keyOf(t, token, testP256())
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 5 {
					if err := signs(t, k); err != nil {
						t.Errorf("with %d sessions: %v", max, err)
					}
				}
			})
		}
		wg.Wait()
		if m := token.Metrics(); m.Open > max-1 {
			t.Errorf("%d sessions are open of %d", m.Open, max-1)
		}
	}
}

// A token with no session left but the login's says so.
func TestNoSessionToWorkWith(t *testing.T) {
	f := newFake(testP256())
	f.tokens[0].max = 1
	token := f.open(t)
	if _, err := token.KeyOf(testP256().Public()); !errors.Is(err, SessionCount) || !strings.Contains(err.Error(), "C_OpenSession") {
		t.Errorf("finding a key: %v", err)
	}
}

// A token that is away while another one of its module works is looked for, but not by setting
// the module up anew; and the search leaves no session behind.
func TestOneOfTwoTokensIsAway(t *testing.T) {
	f := newFake(testP256())
	second := newFake(testP384(), testP256()).tokens[0]
	second.label = "second"
	f.tokens = append(f.tokens, second)
	one := f.open(t)
	two := f.open(t, func(c *Config) { c.URI = "pkcs11:token=second" })
	k1, k2 := keyOf(t, one, testP256()), keyOf(t, two, testP256())
	f.change(func() { f.tokens[0].gone = true; f.calls = map[string]int{} })
	if err := signs(t, k1); !errors.Is(err, ErrLost) || !errors.Is(err, errNoToken) {
		t.Errorf("signing without the token: %v", err)
	}
	eventually(t, "a search", func() bool { return f.called("GetSlotList") > 3 })
	if err := signs(t, k2); err != nil {
		t.Errorf("signing with the other one: %v", err)
	}
	if n := f.called("Finalize"); n != 0 {
		t.Errorf("the module was set up anew %d times under a token that works", n)
	}
	f.change(func() { f.tokens[0].gone = false })
	eventually(t, "finding the token", func() bool { return one.Metrics().Up })
	for range 20 {
		f.change(func() { f.tokens[0].in = false })
		if err := signs(t, k1); err != nil {
			t.Errorf("signing after a logout: %v", err)
		}
	}
	f.change(func() {
		if n := len(f.sessions); n > 2+2*4 {
			t.Errorf("%d sessions are open", n)
		}
	})
}

// A key that is gone while the token is there: the module is set up anew, which brings back what
// SoftHSM has forgotten, but not for each operation.
func TestKeyThatIsGone(t *testing.T) {
	f := newFake(testP256(), testP384())
	token := f.open(t, func(c *Config) { c.RetryMin, c.RetryMax = time.Millisecond, time.Hour })
	k, other := keyOf(t, token, testP256()), keyOf(t, token, testP384())
	f.change(func() { f.tokens[0].objects[1].private = false; clear(f.tokens[0].objects[1].attributes) })
	for range 10 {
		if err := signs(t, k); !errors.Is(err, ErrNoKey) {
			t.Errorf("signing by a key that was deleted: %v", err)
		}
		if _, err := other.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
			t.Errorf("signing by another one: %v", err)
		}
	}
	if m := token.Metrics(); m.Reinitializations != 1 {
		t.Errorf("the module was set up anew %d times, want once", m.Reinitializations)
	}
}

// A token that was opened, and then forgets its keys before one of them was found, is set up anew too;
// one that has none is believed in for ever longer.
func TestTokenThatForgetsAllKeys(t *testing.T) {
	f := newFake(testP256())
	objects := f.tokens[0].objects
	var back atomic.Bool
	f.fault = func(call string, _ uint) error {
		if call == "Initialize" && back.Load() {
			f.change(func() { f.tokens[0].objects = objects })
		}
		return nil
	}
	token := f.open(t, func(c *Config) { c.RetryMin, c.RetryMax = time.Millisecond, 20*time.Millisecond })
	f.change(func() { f.tokens[0].objects = nil })
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := token.KeyOf(testP256().Public()); !errors.Is(err, ErrNoKey) {
			t.Fatalf("looking for a key in a token without any: %v", err)
		}
	}
	// After 0, 20, 60 and 140 ms.
	if m := token.Metrics(); m.Reinitializations == 0 || m.Reinitializations > 5 {
		t.Errorf("the module was set up anew %d times", m.Reinitializations)
	}
	back.Store(true)
	eventually(t, "finding the key", func() bool {
		_, err := token.KeyOf(testP256().Public())
		return err == nil
	})
}
