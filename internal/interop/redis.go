//go:build unix

package interop

import (
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Redis is a Redis server on a port of its own that keeps nothing on disk.
type Redis struct {
	// Address is where it listens, as HOST:PORT.
	Address string

	t       testing.TB
	port    int
	program string
	options []string
	process *Process
}

// StartRedis starts the peer redis-server, with more options.
func StartRedis(t testing.TB, options ...string) *Redis {
	t.Helper()
	r := &Redis{t: t, port: FreePort(t), program: Peer(t, "redis-server"), options: options}
	r.Address = Address(r.port)
	r.Start()
	return r
}

// Start starts it again after Kill, empty.
func (r *Redis) Start() {
	r.t.Helper()
	r.process = Start(r.t, r.program, append([]string{"--port", strconv.Itoa(r.port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", r.t.TempDir(), "--daemonize", "no"}, r.options...)...)
	r.process.WaitListening(r.port, 10*time.Second)
}

// Kill ends it at once.
func (r *Redis) Kill() { r.process.Kill() }

// Freeze stops it without closing its connections: it answers no more, until Thaw.
func (r *Redis) Freeze() { r.process.Signal(syscall.SIGSTOP) }

// Thaw lets it go on after Freeze.
func (r *Redis) Thaw() { r.process.Signal(syscall.SIGCONT) }
