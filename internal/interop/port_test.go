package interop

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port := FreePort(t)
		if port < firstPort || port >= lastPort || seen[port] {
			t.Fatalf("port %d, out of range or given before", port)
		}
		seen[port] = true
		if listening(port) {
			t.Errorf("something listens on port %d, which was given as free", port)
		}
	}
}

func TestListening(t *testing.T) {
	port := FreePort(t)
	l, err := net.Listen("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	if !listening(port) {
		t.Errorf("nothing seems to listen on port %d, but this test does", port)
	}
	l.Close()
	if listening(port) {
		t.Errorf("something seems to listen on port %d, which is closed", port)
	}
}

func TestInTable(t *testing.T) {
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n" +
		"   0: 0100007F:3A98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n" +
		"   1: 0100007F:3A99 0100007F:A9D2 01 00000000:00000000 00:00000000 00000000     0\n" +
		"   2: 00000000000000000000000001000000:3A9A 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
	for _, test := range []struct {
		name string
		port int
		want bool
	}{
		{"a listening socket", 0x3a98, true},
		{"a connected socket does not listen", 0x3a99, false},
		{"the other end's port does not count", 0xa9d2, false},
		{"a listening IPv6 socket", 0x3a9a, true},
		{"no socket", 0x3a9b, false},
	} {
		if got := inTable(bufio.NewScanner(strings.NewReader(table)), test.port); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
