package interop

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Ports are taken from below Linux's ephemeral range, so that no outgoing connection of another
// test gets one between FreePort and the peer's bind.
const (
	firstPort = 15000
	lastPort  = 32000
)

// given holds the ports that this process has handed out.
var given = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort returns a TCP port on 127.0.0.1 on which nothing listens, never the same one twice. It
// may be called on any goroutine.
func FreePort(t testing.TB) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	var last error
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if given.ports[port] {
			continue
		}
		l, err := net.Listen("tcp", Address(port))
		if err != nil {
			last = err
			continue
		}
		l.Close()
		given.ports[port] = true
		return port
	}
	t.Errorf("no free port in 1000 tries: %v", last)
	return 0
}

// Address returns the loopback address of a port.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listening tells whether any process listens on a TCP port. Where the kernel has a table it is
// read: a connection would count as one of those that a peer is to serve.
func listening(port int) bool {
	tables := 0
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		tables++
		found := inTable(bufio.NewScanner(file), port)
		file.Close()
		if found {
			return true
		}
	}
	if tables > 0 {
		return false
	}
	conn, err := net.Dial("tcp", Address(port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// inTable looks for a listening socket of a port in the format of /proc/net/tcp: number, local
// address, remote address, state.
func inTable(lines *bufio.Scanner, port int) bool {
	const listen = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 3 && fields[3] == listen && strings.HasSuffix(fields[1], suffix) {
			return true
		}
	}
	return false
}
