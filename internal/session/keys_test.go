package session

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// added returns a set with the named keys, introduced at noon, whose secrets are their names.
func added(t *testing.T, names ...string) *Keys {
	t.Helper()
	k := NewKeys(KeysConfig{})
	for _, n := range names {
		if err := k.Add([]byte(n), []byte(n), noon, noon); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func seal(t *testing.T, k *Keys, plaintext string, now time.Time) []byte {
	t.Helper()
	ticket, _, ok, err := k.Seal(nil, []byte(plaintext), now, rand.Reader)
	if !ok || err != nil {
		t.Fatalf("sealed %v, %v", ok, err)
	}
	return ticket
}

func TestKeyErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		key    string
		secret string
		at     time.Duration
		want   error
	}{
		{"no name", "", "s", 0, ErrKeyName},
		{"a name of 16 bytes", "0123456789abcdef", "s", 0, nil},
		{"a name of 17 bytes", "0123456789abcdefg", "s", 0, ErrKeyName},
		{"no secret", "b", "", 0, ErrKeySecret},
		{"a secret of one byte", "b", "s", 0, nil},
		{"a long secret", "b", string(make([]byte, 1000)), 0, nil},
		{"the same name", "a", "s", 0, ErrKeyNotUnique},
		{"the same name by its padding", "a\x00", "s", 0, ErrKeyNotUnique},
		{"the same secret", "b", "a", 0, ErrKeyNotUnique},
		{"the same name when the other is over", "a", "s", 15 * time.Hour, nil},
	} {
		k := added(t, "a")
		if err := k.Add([]byte(c.key), []byte(c.secret), time.Time{}, noon.Add(c.at)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	k := added(t)
	if err := k.Add([]byte("a"), []byte("a"), noon.Add(-15*time.Hour), noon); !errors.Is(err, ErrKeyExpired) {
		t.Errorf("a key whose time is over: %v", err)
	}
}

func TestKeyLimit(t *testing.T) {
	k := added(t)
	for i := range MaxKeys {
		if err := k.Add([]byte{1, byte(i)}, []byte{byte(i)}, noon, noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Add([]byte("one more"), []byte("s"), noon, noon); !errors.Is(err, ErrKeyLimit) {
		t.Errorf("key 49: %v", err)
	}
	if err := k.Add([]byte("one more"), []byte("s"), time.Time{}, noon.Add(15*time.Hour)); err != nil || k.Len(noon.Add(15*time.Hour)) != 1 {
		t.Errorf("when the others are over: %v, %d keys", err, k.Len(noon.Add(15*time.Hour)))
	}
}

// TestKeyLife looks at one key at each point of its life.
func TestKeyLife(t *testing.T) {
	k := added(t, "a")
	ticket := seal(t, k, "hello", noon)
	const hour = time.Hour
	for _, c := range []struct {
		name                string
		at                  time.Duration
		seals, opens, renew bool
		life                time.Duration
	}{
		{"before its introduction", -hour, false, true, false, 0},
		{"at its introduction", 0, true, true, false, 15 * hour},
		{"in its last second of sealing", 2*hour - time.Second, true, true, false, 13*hour + time.Second},
		{"when it opens only", 2 * hour, false, true, true, 0},
		{"in its last second", 15*hour - time.Second, false, true, true, 0},
		{"when it is over", 15 * hour, false, false, false, 0},
	} {
		now := noon.Add(c.at)
		_, life, ok, err := k.Seal(nil, []byte("x"), now, rand.Reader)
		if ok != c.seals || err != nil || life != c.life {
			t.Errorf("%s: seals %v for %v, %v", c.name, ok, life, err)
		}
		text, renew, ok := k.Open([]byte("dst "), ticket, now)
		if want := map[bool]string{true: "dst hello", false: "dst "}[c.opens]; ok != c.opens || renew != c.renew || string(text) != want {
			t.Errorf("%s: opens %v, renews %v: %q", c.name, ok, renew, text)
		}
	}
}

func TestOwnLifetimes(t *testing.T) {
	k := NewKeys(KeysConfig{EncryptLifetime: time.Minute, DecryptLifetime: time.Second, AddedOnly: true})
	if _, _, ok, err := k.Seal(nil, nil, noon, rand.Reader); ok || err != nil {
		t.Fatalf("a set without keys seals: %v, %v", ok, err)
	}
	if err := k.Add([]byte("a"), []byte("a"), noon, noon); err != nil {
		t.Fatal(err)
	}
	ticket := seal(t, k, "x", noon.Add(time.Minute-1))
	if _, renew, ok := k.Open(nil, ticket, noon.Add(time.Minute)); !ok || !renew {
		t.Error("does not open after it sealed")
	}
	if _, _, ok := k.Open(nil, ticket, noon.Add(time.Minute+time.Second)); ok {
		t.Error("opens when it is over")
	}
}

// TestWeights asks which of two keys seals, at times of both lives.
func TestWeights(t *testing.T) {
	k := NewKeys(KeysConfig{EncryptLifetime: 2 * time.Hour})
	for i, n := range []string{"old", "new"} {
		if err := k.Add([]byte(n), []byte(n), noon.Add(time.Duration(i)*time.Hour), noon); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		minutes  int
		low, top float64 // the share of the new key
	}{
		{30, 0, 0}, {60, 0, 0.001}, {75, 0.24, 0.26}, {90, 0.49, 0.51}, {105, 0.74, 0.76}, {120, 1, 1}, {179, 1, 1},
	} {
		now := noon.Add(time.Duration(c.minutes) * time.Minute)
		const draws = 1000
		fresh := 0
		for i := range draws {
			// Draws at even distances, so that the shares are exact.
			var random [8 + randomLen]byte
			binary.BigEndian.PutUint64(random[:], uint64(i)*uint64(2*time.Hour)/draws)
			b := random[:]
			if c.low == c.top {
				b = random[8:] // there is no choice, and no draw
			} else {
				total := k.weight(&(*k.keys.Load())[0], now) + k.weight(&(*k.keys.Load())[1], now)
				binary.BigEndian.PutUint64(random[:], uint64(i)*total/draws)
			}
			ticket, _, ok, err := k.Seal(nil, nil, now, bytes.NewReader(b))
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			if bytes.HasPrefix(ticket, []byte("new")) {
				fresh++
			}
		}
		if share := float64(fresh) / draws; share < c.low || share > c.top {
			t.Errorf("after %d minutes the new key seals %.3f of the tickets, want %.2f to %.2f", c.minutes, share, c.low, c.top)
		}
	}
}

// TestDamagedTickets changes every bit of a ticket, and cuts it everywhere.
func TestDamagedTickets(t *testing.T) {
	k := added(t, "a", "b")
	ticket := seal(t, k, string(least().Append(nil)), noon)
	for i := range ticket {
		for bit := range 8 {
			b := bytes.Clone(ticket)
			b[i] ^= 1 << bit
			if text, _, ok := k.Open(nil, b, noon); ok || len(text) > 0 {
				t.Errorf("opens with bit %d of byte %d flipped", bit, i)
			}
		}
		if _, _, ok := k.Open(nil, ticket[:i], noon); ok {
			t.Errorf("opens with %d of %d bytes", i, len(ticket))
		}
	}
	for name, b := range map[string][]byte{
		"a byte behind": append(bytes.Clone(ticket), 0),
		"another set's": seal(t, added(t, "c"), "hello", noon),
		"another secret's": func() []byte {
			f := NewKeys(KeysConfig{})
			_ = f.Add([]byte("a"), []byte("z"), noon, noon)
			return seal(t, f, "x", noon)
		}(),
		"an ID of a store":        make([]byte, IDLen),
		"nothing":                 nil,
		"zeros":                   make([]byte, 200),
		"a name and nothing else": append([]byte("a"), make([]byte, nameLen-1)...),
	} {
		if _, _, ok := k.Open(nil, b, noon); ok {
			t.Errorf("%s: opens", name)
		}
	}
	if text, _, ok := k.Open(nil, ticket, noon); !ok || string(text) != string(least().Append(nil)) {
		t.Error("does not open unharmed")
	}
}

func TestTicketsDiffer(t *testing.T) {
	k := added(t, "a")
	a, b := seal(t, k, "same", noon), seal(t, k, "same", noon)
	if bytes.Equal(a[nameLen:nameLen+randomLen], b[nameLen:nameLen+randomLen]) || bytes.Equal(a[nameLen+randomLen:], b[nameLen+randomLen:]) {
		t.Error("two tickets of one session look alike")
	}
	if len(seal(t, k, "", noon)) <= IDLen {
		t.Error("a sealed ticket can be taken for the ID of a stateful one")
	}
}

func TestNoRandomness(t *testing.T) {
	k := added(t, "a", "b")
	for n := range 8 + randomLen {
		now := noon.Add(time.Hour)
		if dst, _, ok, err := k.Seal([]byte("dst"), []byte("x"), now, bytes.NewReader(make([]byte, n))); ok || err == nil || string(dst) != "dst" {
			t.Errorf("%d bytes of randomness: sealed %v, %v, %q", n, ok, err, dst)
		}
	}
}

// TestOwnKeys lets a set without keys go through two days.
func TestOwnKeys(t *testing.T) {
	k := NewKeys(KeysConfig{})
	names := map[string]bool{}
	var tickets [][]byte
	const step = 10 * time.Minute
	const steps = 48 * 6
	for i := range steps {
		now := noon.Add(time.Duration(i) * step)
		ticket, life, ok, err := k.Seal(nil, []byte(fmt.Sprint(i)), now, rand.Reader)
		if !ok || err != nil {
			t.Fatalf("after %v: sealed %v, %v", time.Duration(i)*step, ok, err)
		}
		if life <= 13*time.Hour || life > 15*time.Hour {
			t.Errorf("after %v: the key has %v left", time.Duration(i)*step, life)
		}
		names[string(ticket[:nameLen])] = true
		tickets = append(tickets, ticket)
		if n := k.Len(now); n > 16 {
			t.Fatalf("%d keys", n)
		}
		for j, old := range tickets {
			age := time.Duration(i-j) * step
			text, renew, ok := k.Open(nil, old, now)
			switch {
			case age <= 13*time.Hour && (!ok || string(text) != fmt.Sprint(j)):
				t.Fatalf("a ticket of %v does not open", age)
			case age >= 15*time.Hour && ok:
				t.Fatalf("a ticket of %v opens", age)
			case age >= 2*time.Hour && ok && !renew:
				t.Fatalf("a ticket of %v is not renewed", age)
			}
		}
	}
	if len(names) < 40 || len(names) > 48 {
		t.Errorf("%d keys in 48 hours, want one each hour", len(names))
	}
	now := noon.Add(steps * step)
	if err := k.Add([]byte("by hand"), []byte("s"), now, now); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * 6 {
		_, _, _, _ = k.Seal(nil, nil, now.Add(time.Duration(i)*step), rand.Reader)
	}
	if _, _, ok, _ := k.Seal(nil, nil, now.Add(3*time.Hour), rand.Reader); ok {
		t.Error("the set makes keys of its own though one was added")
	}
}

// TestOwnKeysInAFullSet has keys that open for so long that 48 of them are not enough.
func TestOwnKeysInAFullSet(t *testing.T) {
	k := NewKeys(KeysConfig{EncryptLifetime: time.Minute, DecryptLifetime: time.Hour})
	for i := range 200 {
		now := noon.Add(time.Duration(i) * time.Minute / 2)
		seal(t, k, "x", now)
		if n := k.Len(now); n > MaxKeys {
			t.Fatalf("%d keys", n)
		}
	}
}

// TestKeysWhileInUse changes a set under those who use it: for the race detector.
func TestKeysWhileInUse(t *testing.T) {
	k := NewKeys(KeysConfig{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				now := noon.Add(time.Duration(i) * time.Minute)
				ticket, _, ok, err := k.Seal(nil, []byte("x"), now, rand.Reader)
				if !ok || err != nil {
					t.Errorf("sealed %v, %v", ok, err)
					return
				}
				if _, _, ok := k.Open(nil, ticket, now); !ok {
					t.Error("does not open")
				}
				if g == 0 && i < 30 {
					if err := k.Add([]byte{1, byte(i)}, []byte{byte(i)}, now, now); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}
