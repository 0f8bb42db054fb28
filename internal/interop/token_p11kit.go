//go:build unix

package interop

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A P11Kit is a token behind p11-kit's client module and server: calls travel over a socket, so that
// the server can die, or stand still, under a program that uses the token.
type P11Kit struct {
	*Token
	behind *Token
	socket string
	server *Process
}

// NewP11Kit starts a server for a token.
func NewP11Kit(t testing.TB, behind *Token) *P11Kit {
	t.Helper()
	return NewP11KitAt(t, behind, "")
}

// NewP11KitAt is NewP11Kit with the path of the server's socket, which the module looks up once in the
// life of a process.
func NewP11KitAt(t testing.TB, behind *Token, socket string) *P11Kit {
	t.Helper()
	front := newToken(t, Peer(t, "p11-kit-client"), behind.Label)
	front.Keys = behind.Keys
	if socket == "" {
		socket = filepath.Join(front.dir, "socket")
	}
	p := &P11Kit{Token: front, behind: behind, socket: socket}
	front.Env = []string{"P11_KIT_SERVER_ADDRESS=unix:path=" + p.socket}
	p.Start(t)
	return p
}

// Start starts the server, which Kill has ended.
func (p *P11Kit) Start(t testing.TB) {
	t.Helper()
	// A server that was killed leaves its socket, and another one cannot take the name.
	if err := os.Remove(p.socket); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	cmd := exec.Command(Peer(t, "p11-kit"), "server", "--foreground", "--name", p.socket,
		"--provider", p.behind.Module, "pkcs11:token="+p.behind.Label)
	cmd.Env = Environment(p.behind.Env...)
	p.server = StartCommand(t, cmd)
	// The file is there before the server listens on it.
	p.server.until("its socket", startLimit, func() bool {
		c, err := net.Dial("unix", p.socket)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// Kill ends the server and its workers, one for each client, at once.
func (p *P11Kit) Kill() { p.server.Kill() }

// Halt lets the server and its workers stand still until Go.
func (p *P11Kit) Halt() { p.server.signalGroup(syscall.SIGSTOP) }

// Go lets them go on.
func (p *P11Kit) Go() { p.server.signalGroup(syscall.SIGCONT) }

// startLimit bounds the start of a program that takes a moment, on a machine that is busy.
const startLimit = 30 * time.Second
