package redisstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// hasty changes keys within a second.
func hasty() Options {
	o := Options{Deadline: 5 * time.Second, Interval: 50 * time.Millisecond}
	o.TicketKeys.EncryptLifetime, o.TicketKeys.DecryptLifetime = 1600*time.Millisecond, 20*time.Second
	return o
}

// TestKeysChange lets three servers seal and open each other's tickets while keys change under them.
func TestKeysChange(t *testing.T) {
	r := interop.StartRedis(t)
	var stores []*Store
	for range 3 {
		stores = append(stores, open(t, r.Address, hasty()))
	}
	names := map[string]bool{}
	for end, i := time.Now().Add(4*time.Second), 0; time.Now().Before(end); i++ {
		from, to := stores[i%3], stores[(i+1)%3]
		ticket, _, ok, err := from.TicketKeys().Seal(nil, []byte("state"), time.Now(), rand.Reader)
		if !ok || err != nil {
			t.Fatalf("no key to seal with: %v, %v", ok, err)
		}
		if text, _, ok := to.TicketKeys().Open(nil, ticket, time.Now()); !ok || string(text) != "state" {
			t.Fatalf("a ticket of server %d does not open on server %d", i%3, (i+1)%3)
		}
		names[string(ticket[:16])] = true
		time.Sleep(time.Millisecond)
	}
	if len(names) < 3 {
		t.Errorf("%d keys sealed in 4 seconds", len(names))
	}
	published, _, err := stores[0].readKeys(context.Background(), stores[0].vault.name(kindKeys, nil))
	if err != nil || len(published) < len(names) || len(published) > 2+len(names) {
		t.Errorf("%d keys sealed, %d are published, %v", len(names), len(published), err)
	}
	for i := 1; i < len(published); i++ {
		if apart := published[i].intro.Sub(published[i-1].intro); apart < 600*time.Millisecond {
			t.Errorf("keys %v apart: more than one leader", apart)
		}
	}
}

// TestFirstKey starts many servers at once: they agree on one key.
func TestFirstKey(t *testing.T) {
	r := interop.StartRedis(t)
	stores := make([]*Store, 6)
	var all sync.WaitGroup
	for i := range stores {
		s, err := New(dial(t, r.Address), fleetSecret, patient)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		stores[i] = s
		all.Go(func() {
			if err := s.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	eventually(t, "the servers to have one key", func() bool {
		for _, s := range stores {
			if s.TicketKeys().Len(time.Now()) != 1 {
				return false
			}
		}
		return true
	})
	ticket, _, ok, err := stores[0].TicketKeys().Seal(nil, []byte("x"), time.Now(), rand.Reader)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	for i, s := range stores {
		if _, _, ok := s.TicketKeys().Open(nil, ticket, time.Now()); !ok {
			t.Errorf("server %d has another key", i)
		}
	}
}

// TestForgottenKeys loses what Redis holds: the keys that servers have are published again, and what
// was recorded no longer counts.
func TestForgottenKeys(t *testing.T) {
	r := interop.StartRedis(t)
	for name, lose := range map[string]func(){
		"flushed":   func() { dial(t, r.Address).FlushAll(context.Background()) },
		"restarted": func() { r.Kill(); r.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, r.Address, patient)
			eventually(t, "the epoch", func() bool { return s.Began() != never })
			ticket, _, ok, err := s.TicketKeys().Seal(nil, []byte("x"), time.Now(), rand.Reader)
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			began := s.Began()
			if fresh, err := record(t, s, name[0]); !fresh || err != nil {
				t.Fatal(fresh, err)
			}
			lost := time.Now()
			lose()
			// Until the store knows, and then for older tickets, nothing is fresh.
			eventually(t, "another epoch", func() bool {
				fresh, _ := record(t, s, name[0])
				if fresh && s.Began().Before(lost) {
					t.Fatal("a replay is fresh")
				}
				return s.Began() != never && s.Began() != began
			})
			if b := s.Began(); b.Before(lost) {
				t.Errorf("the epoch began %v before the loss", lost.Sub(b))
			}
			other := open(t, r.Address, patient)
			eventually(t, "the keys to be published again", func() bool {
				_, _, ok := other.TicketKeys().Open(nil, ticket, time.Now())
				return ok
			})
		})
	}
}

// TestEviction takes no early data where Redis may evict what was recorded.
func TestEviction(t *testing.T) {
	r := interop.StartRedis(t)
	client := dial(t, r.Address)
	s := open(t, r.Address, patient)
	eventually(t, "the epoch", func() bool { return s.Began() != never })
	for name, value := range map[string]string{"maxmemory": "100mb", "maxmemory-policy": "volatile-lru"} {
		if err := client.ConfigSet(context.Background(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the store to notice", func() bool { return s.Began() == never })
	if fresh, err := record(t, s, 1); fresh || !errors.Is(err, ErrNotReady) {
		t.Errorf("fresh %v, %v", fresh, err)
	}
	if err := s.Err(); err == nil || !bytes.Contains([]byte(err.Error()), []byte("volatile-lru")) {
		t.Errorf("Err says %v", err)
	}
	if err := put(t, s, "id", "entry", time.Minute); err != nil {
		t.Errorf("sessions are stored no more: %v", err)
	}
}

func TestReplays(t *testing.T) {
	r := interop.StartRedis(t)
	stores := []*Store{open(t, r.Address, patient), open(t, r.Address, patient)}
	for _, s := range stores {
		eventually(t, "the epoch", func() bool { return s.Began() != never })
	}
	if a, b := stores[0].Began(), stores[1].Began(); !a.Equal(b) {
		t.Errorf("the servers say %v and %v", a, b)
	}
	for k := range byte(20) {
		const callers = 6
		got := make(chan bool, callers)
		for i := range callers {
			stores[i%2].Record(context.Background(), [32]byte{k}, time.Now().Add(time.Minute), func(fresh bool, err error) {
				if err != nil {
					t.Error(err)
				}
				got <- fresh
			})
		}
		n := 0
		for range callers {
			if <-got {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("fresh for %d callers", n)
		}
	}
	fresh, err := wait(t, func(done func(bool, error)) {
		stores[0].Record(context.Background(), [32]byte{99}, time.Now().Add(-time.Second), done)
	})
	if fresh || err != nil {
		t.Errorf("after its window: fresh %v, %v", fresh, err)
	}
}

// TestForeignFleet puts two fleets with different secrets onto one Redis: they disturb each other, and learn
// nothing.
func TestForeignFleet(t *testing.T) {
	r := interop.StartRedis(t)
	s := open(t, r.Address, patient)
	foreign, err := New(dial(t, r.Address), bytes.Repeat([]byte{9}, SecretLen), patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.Close)
	if err := foreign.Sync(t.Context()); err != nil {
		t.Fatal(err) // its names differ: it is a fleet of its own
	}
	ticket, _, ok, err := foreign.TicketKeys().Seal(nil, []byte("x"), time.Now(), rand.Reader)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, _, ok := s.TicketKeys().Open(nil, ticket, time.Now()); ok {
		t.Error("the other fleet's ticket opens")
	}
}

func TestKeyFormat(t *testing.T) {
	whole := appendKeys(nil, make([]fleetKey, 3))
	for n := range whole {
		if keys, err := parseKeys(whole[:n]); err == nil && (n-1)%fleetKeyLen != 0 {
			t.Errorf("%d of %d bytes: %d keys", n, len(whole), len(keys))
		}
	}
	for name, b := range map[string][]byte{
		"another format": append([]byte{2}, whole[1:]...), "49 keys": appendKeys(nil, make([]fleetKey, 49)),
	} {
		if _, err := parseKeys(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if keys, err := parseKeys(appendKeys(nil, make([]fleetKey, 48))); err != nil || len(keys) != 48 {
		t.Errorf("48 keys: %d, %v", len(keys), err)
	}
}

func TestLoadSecret(t *testing.T) {
	dir := t.TempDir()
	digits := hex.EncodeToString(fleetSecret)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"raw bytes": {string(fleetSecret), true}, "a line of digits": {digits + "\n", true}, "digits alone": {digits, true},
		"nothing": {"", false}, "31 bytes": {string(fleetSecret[1:]), false}, "63 digits": {digits[1:], false},
		"no digits": {"zz" + digits[2:], false},
	} {
		file := filepath.Join(dir, "secret")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if secret, err := LoadSecret(file); (err == nil) != c.ok || c.ok && !bytes.Equal(secret, fleetSecret) {
			t.Errorf("%s: %x, %v", name, secret, err)
		}
	}
	if _, err := LoadSecret(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
