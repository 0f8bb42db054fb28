package redisstore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/interop"
)

// fleetSecret is that of the tests' fleet.
var fleetSecret = bytes.Repeat([]byte{7}, SecretLen)

// patient lets tests that are not about time wait for Redis on a slow machine.
var patient = Options{Deadline: 5 * time.Second, Interval: 50 * time.Millisecond}

// dial returns a client of a server that lives as long as the test.
func dial(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	client, err := Dial("redis://" + address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// open returns one server's Store, in step with the fleet.
func open(t *testing.T, address string, opts Options) *Store {
	t.Helper()
	s, err := New(dial(t, address), fleetSecret, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// The calls of a Store as functions that wait.

func get(t *testing.T, s conn.SessionStore, id string) (string, error) {
	t.Helper()
	return wait(t, func(done func(string, error)) {
		s.Get(context.Background(), []byte(id), func(e []byte, err error) { done(string(e), err) })
	})
}

func put(t *testing.T, s conn.SessionStore, id, entry string, life time.Duration) error {
	t.Helper()
	_, err := wait(t, func(done func(bool, error)) {
		s.Put(context.Background(), []byte(id), []byte(entry), life, func(err error) { done(true, err) })
	})
	return err
}

func take(t *testing.T, s conn.SessionStore, id string) (bool, error) {
	t.Helper()
	return wait(t, func(done func(bool, error)) { s.Delete(context.Background(), []byte(id), done) })
}

func record(t *testing.T, s conn.ReplayRecorder, key byte) (bool, error) {
	t.Helper()
	return wait(t, func(done func(bool, error)) {
		s.Record(context.Background(), [32]byte{key}, time.Now().Add(time.Minute), done)
	})
}

// wait returns the one answer, and fails the test on a second.
func wait[T any](t *testing.T, ask func(done func(T, error))) (T, error) {
	t.Helper()
	type answer struct {
		v   T
		err error
	}
	answers := make(chan answer, 2)
	ask(func(v T, err error) { answers <- answer{v, err} })
	select {
	case a := <-answers:
		select {
		case again := <-answers:
			t.Errorf("answered twice: %v, then %v", a, again)
		default:
		}
		return a.v, a.err
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		panic("unreachable")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestSessions(t *testing.T) {
	r := interop.StartRedis(t)
	a, b := open(t, r.Address, patient), open(t, r.Address, patient)
	if e, err := get(t, a, "id"); e != "" || err != nil {
		t.Errorf("an empty store has %q, %v", e, err)
	}
	if err := put(t, a, "id", "entry", time.Minute); err != nil {
		t.Fatal(err)
	}
	if e, err := get(t, b, "id"); e != "entry" || err != nil {
		t.Errorf("another server finds %q, %v", e, err)
	}
	for i, want := range []bool{true, false} {
		if existed, err := take(t, b, "id"); existed != want || err != nil {
			t.Errorf("taken %d times: %v, %v", i, existed, err)
		}
	}
	if e, err := get(t, a, "id"); e != "" || err != nil {
		t.Errorf("after it was taken there is %q, %v", e, err)
	}
	if err := put(t, a, "id", "entry", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the entry to expire", func() bool { e, err := get(t, b, "id"); return e == "" && err == nil })
	if err := put(t, a, "id", "entry", 0); err == nil {
		t.Error("stored without a lifetime, and so for ever")
	}
}

// TestTakenEntryComesBack restarts Redis with a dump in which an entry still is that was taken since.
func TestTakenEntryComesBack(t *testing.T) {
	r := interop.StartRedis(t)
	s := open(t, r.Address, patient)
	if err := put(t, s, "id", "entry", time.Minute); err != nil {
		t.Fatal(err)
	}
	name := s.vault.name(kindSession, []byte("id"))
	dump, err := s.client.Get(context.Background(), name).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	comesBack := func() {
		if err := s.client.Set(context.Background(), name, dump, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if e, err := get(t, s, "id"); e != "entry" || err != nil {
			t.Errorf("what came back is %q, %v", e, err)
		}
	}
	if existed, err := take(t, s, "id"); !existed || err != nil {
		t.Fatalf("taken for the first time: %v, %v", existed, err)
	}
	r.Kill()
	r.Start()
	eventually(t, "Redis", func() bool { return s.client.Ping(context.Background()).Err() == nil })
	comesBack()
	if existed, err := take(t, s, "id"); existed || !errors.Is(err, ErrNotReady) && err != nil {
		t.Errorf("taken before the restart was noticed: %v, %v", existed, err)
	}
	eventually(t, "another epoch", func() bool { fresh, _ := record(t, s, byte(time.Now().UnixNano())); return fresh })
	comesBack()
	if existed, err := take(t, s, "id"); existed || err != nil {
		t.Errorf("taken for the second time: %v, %v", existed, err)
	}
	if e, err := get(t, s, "id"); e != "" || err != nil {
		t.Errorf("afterwards there is %q, %v", e, err)
	}
	if err := put(t, s, "id", "entry", time.Minute); err != nil {
		t.Fatal(err)
	}
	if existed, err := take(t, s, "id"); !existed || err != nil {
		t.Errorf("one of the new epoch, taken: %v, %v", existed, err)
	}
}

// TestOneTakes lets two servers take the same session at once.
func TestOneTakes(t *testing.T) {
	r := interop.StartRedis(t)
	stores := []*Store{open(t, r.Address, patient), open(t, r.Address, patient)}
	for range 20 {
		if err := put(t, stores[0], "id", "entry", time.Minute); err != nil {
			t.Fatal(err)
		}
		const callers = 8
		got := make(chan bool, callers)
		for i := range callers {
			stores[i%2].Delete(context.Background(), []byte("id"), func(existed bool, err error) {
				if err != nil {
					t.Error(err)
				}
				got <- existed
			})
		}
		n := 0
		for range callers {
			if <-got {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d callers took it", n)
		}
	}
}

// TestWhatRedisSees looks at all that is stored for the secrets that went in, and changes it.
func TestWhatRedisSees(t *testing.T) {
	r := interop.StartRedis(t)
	s, client := open(t, r.Address, patient), dial(t, r.Address)
	ctx := context.Background()
	const id, entry = "0123456789abcdef0123456789abcdef", "a secret that is easy to recognize"
	for _, id := range []string{id, "another"} {
		if err := put(t, s, id, entry, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil || len(keys) < 4 {
		t.Fatal(keys, err)
	}
	for _, k := range keys {
		v, err := client.Get(ctx, k).Result()
		if errors.Is(err, redis.Nil) { // the leader's lock is short
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"ID": id, "entry": entry, "fleet's secret": string(fleetSecret)} {
			if bytes.Contains([]byte(k+v), []byte(secret)) {
				t.Errorf("%s shows the %s", k, what)
			}
		}
		for _, known := range s.fleet.known {
			if bytes.Contains([]byte(v), known.secret[:]) {
				t.Errorf("%s shows a ticket key", k)
			}
		}
	}
	name, other := s.vault.name(kindSession, []byte(id)), s.vault.name(kindSession, []byte("another"))
	whole, err := client.Get(ctx, name).Result()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := newVault(bytes.Repeat([]byte{8}, SecretLen), DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := foreign.seal(name, []byte(entry))
	if err != nil {
		t.Fatal(err)
	}
	swapped, err := client.Get(ctx, other).Result()
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string]string{
		"nothing": "", "garbage": "garbage", "another session's entry": swapped, "another fleet's entry": string(sealed),
		"one byte more": whole + "x", "one byte less": whole[:len(whole)-1],
	}
	for i := range len(whole) {
		b := []byte(whole)
		b[i] ^= 1
		damaged["a bit of byte "+string(rune('0'+i%10))+" of ten flipped"] = string(b)
	}
	for what, v := range damaged {
		if err := client.Set(ctx, name, v, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if e, err := get(t, s, id); e != "" || !errors.Is(err, errForeign) {
			t.Errorf("%s: %q, %v", what, e, err)
		}
	}
	if err := client.Set(ctx, name, whole, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if e, err := get(t, s, id); e != entry || err != nil {
		t.Errorf("unharmed: %q, %v", e, err)
	}
	if err := client.Del(ctx, name).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.LPush(ctx, name, "x").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, s, id); err == nil {
		t.Error("a list is an entry")
	}
	if e, err := get(t, s, "another"); e != entry || err != nil {
		t.Errorf("after an error that Redis answered with: %q, %v", e, err)
	}
}

// TestStderr holds that go-redis writes nothing to stderr when it cannot reach its server.
func TestStderr(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	s, err := New(dial(t, interop.Address(interop.FreePort(t))), fleetSecret, Options{})
	if err == nil {
		for range 5 {
			_, _ = get(t, s, "id")
			time.Sleep(pause)
		}
		s.Close()
	}
	os.Stderr = stderr
	write.Close()
	var said bytes.Buffer
	_, _ = said.ReadFrom(read)
	read.Close()
	if err != nil || said.Len() > 0 {
		t.Errorf("%v; stderr: %s", err, &said)
	}
}
