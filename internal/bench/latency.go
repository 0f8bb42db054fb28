package bench

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// Signer is how a server of Latency's signs.
type Signer string

// The signers. All of them make the same signature after the same time; they differ in what
// waits for it.
const (
	// OursRemote suspends handshakes until a key server answers.
	OursRemote Signer = "s2ngo, key server"
	// StdRemote parks a goroutine of crypto/tls until a key server answers.
	StdRemote Signer = "crypto/tls, key server"
	// OursLibrary suspends handshakes while a Pool's workers are inside a C library.
	OursLibrary Signer = "s2ngo, C library"
	// StdLibrary is a goroutine of crypto/tls inside a C library, which keeps its thread.
	StdLibrary Signer = "crypto/tls, C library"
)

// PoolWorkers is the size of OursLibrary's Pool.
const PoolWorkers = 256

// Load is what a server is put to.
type Load struct {
	Signer      Signer
	Delay       time.Duration // of a signature
	Connections int           // handshakes under way at any time
	Time        time.Duration // to measure, after a quarter of it to warm up
}

// Latency is what a Load came to.
type Latency struct {
	Handshakes float64 // per second
	CPU        float64 // microseconds of processors for one, both ends: what other programs leave alone
	Goroutines int     // at most
	Threads    int     // of the process, at most
	Memory     float64 // MiB that the process has grown by at most, clients included
}

// Measure puts a server to a Load: clients of ours begin a new handshake whenever one is
// complete, on one event loop for each processor. Run it in a process of its own, since
// threads and memory outlive what they were made for.
func (l Load) Measure() (Latency, error) {
	f, err := NewFixture(Case{Key: testpeer.KeyP256, Group: iana.X25519})
	if err != nil {
		return Latency{}, err
	}
	key := f.StdServer.Certificates[0].PrivateKey.(crypto.Signer)
	stop := make(chan struct{})
	var loops []*clientLoop
	var running sync.WaitGroup
	before := watch()
	n := runtime.GOMAXPROCS(0)
	end, err := l.configure(f, key)
	if err != nil {
		return Latency{}, err
	}
	for i := range n {
		share := l.Connections / n
		if i < l.Connections%n {
			share++
		}
		loop := &clientLoop{f: f, std: l.Signer == StdRemote || l.Signer == StdLibrary, ready: make(chan *slot, 4*share), stop: stop}
		loops = append(loops, loop)
		running.Go(func() { loop.run(share) })
	}
	total := func() (n uint64) {
		for _, loop := range loops {
			n += loop.done.Load()
		}
		return n
	}
	time.Sleep(l.Time / 4)
	start, at, spent := total(), time.Now(), processorTime()
	var most processState
	for time.Since(at) < l.Time {
		time.Sleep(5 * time.Millisecond)
		most = most.max(watch())
	}
	handshakes, took := total()-start, time.Since(at)
	spent = processorTime() - spent
	close(stop)
	running.Wait()
	end()
	for _, loop := range loops {
		if loop.err != nil {
			return Latency{}, loop.err
		}
	}
	return Latency{
		Handshakes: float64(handshakes) / took.Seconds(),
		CPU:        float64(spent.Microseconds()) / float64(max(handshakes, 1)),
		Goroutines: most.goroutines,
		Threads:    most.threads,
		Memory:     float64(most.kib-before.kib) / 1024,
	}, nil
}

// configure lets f's servers sign as l says.
func (l Load) configure(f *Fixture, key crypto.Signer) (end func(), err error) {
	end = func() {}
	server := f.Server
	switch l.Signer {
	case OursRemote:
		server.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
			answer := func() {
				if op.Perform(key) == nil {
					_ = c.Apply(op)
				}
			}
			if l.Delay == 0 {
				answer()
			} else {
				time.AfterFunc(l.Delay, answer)
			}
			return nil
		}
	case OursLibrary:
		pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: PoolWorkers})
		server.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, &blocking{key, l.Delay, inLibrary})
		end = func() { _ = pool.Close(context.Background()) }
	case StdRemote:
		f.StdServer.Certificates[0].PrivateKey = &blocking{key, l.Delay, time.Sleep}
	case StdLibrary:
		f.StdServer.Certificates[0].PrivateKey = &blocking{key, l.Delay, inLibrary}
	default:
		return nil, fmt.Errorf("bench: no signer is called %q", l.Signer)
	}
	server.Wake = func(c *conn.Conn) {
		s := c.Value().(*slot)
		s.loop.ready <- s
	}
	return end, nil
}

// blocking is a key that makes its caller wait.
type blocking struct {
	crypto.Signer
	delay time.Duration
	wait  func(time.Duration)
}

func (b *blocking) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if b.delay > 0 {
		b.wait(b.delay)
	}
	return b.Signer.Sign(rand, digest, opts)
}

// inLibrary waits as C code does, that the runtime knows nothing of: on a thread.
func inLibrary(d time.Duration) {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		_, _ = unix.Poll(nil, int((left+time.Millisecond-1)/time.Millisecond))
	}
}

// processorTime is what the process has used of all processors.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processState is what a process has at one moment.
type processState struct{ goroutines, threads, kib int }

func watch() processState {
	s := processState{goroutines: runtime.NumGoroutine()}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return s // not on this system
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &s.threads)
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &s.kib)
	}
	return s
}

func (s processState) max(o processState) processState {
	return processState{max(s.goroutines, o.goroutines), max(s.threads, o.threads), max(s.kib, o.kib)}
}
