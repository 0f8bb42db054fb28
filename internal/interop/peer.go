// Package interop runs this module's programs against other TLS implementations, as processes.
//
// A test asks for what it needs: [Peer] for a program of scripts/peers.txt, [Binaries] for ours,
// [FreePort] for a port, [Start] or [Run] for a process whose end is certain, and [SoftHSM], [NSSToken],
// [NewP11Kit] or [TPM] for a token with keys in a real PKCS #11 module. Everything has a bound in
// time, and what a test started is gone when the test is over. Functions and methods fail the test
// themselves and so must be called on its goroutine, unless they say otherwise.
package interop

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root finds the repository once: the nearest folder above that has a go.mod.
var root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the test's folder")
		}
		dir = up
	}
})

// Root returns the repository's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatalf("finding the repository: %v", err)
	}
	return dir
}

// Race tells whether this is the run with the race detector, in which [Binaries] are built with it
// as well and everything is several times slower.
func Race() bool { return os.Getenv("S2NGO_RACE") == "1" }

// SkipUnderRace skips a test that is slow and that the run without the race detector has shown.
func SkipUnderRace(t testing.TB) {
	t.Helper()
	if Race() {
		t.Skip("shown by the run without the race detector")
	}
}

// Peer returns the path of a program, or of a library's file, that scripts/peers.txt lists by that
// name. If it is missing the test is skipped, or fails with S2NGO_REQUIRE_PEERS=1, and the name is appended to the
// file S2NGO_MISSING_PEERS, if set.
func Peer(t testing.TB, name string) string {
	t.Helper()
	dir := Root(t)
	return peer(t, dir, filepath.Join(dir, "scripts", "peers.txt"), name)
}

// peer is Peer with the repository and the list given.
func peer(t testing.TB, dir, list, name string) string {
	t.Helper()
	command, err := lookup(list, name)
	if err != nil {
		t.Fatalf("looking for the peer %s: %v", name, err)
	}
	path, err := find(dir, command)
	if err == nil {
		return path
	}
	if err := recordMissing(name); err != nil {
		t.Fatalf("recording that the peer %s is missing: %v", name, err)
	}
	if os.Getenv("S2NGO_REQUIRE_PEERS") == "1" {
		t.Fatalf("the peer %s is missing, and S2NGO_REQUIRE_PEERS=1: %v", name, err)
	}
	t.Skipf("the peer %s is missing", name)
	return ""
}

// find returns the path of a command of the list, if it is there.
func find(dir, command string) (string, error) {
	switch {
	case filepath.IsAbs(command):
		found, err := filepath.Glob(command)
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", fmt.Errorf("no file %s", command)
		}
		return found[0], nil
	case strings.Contains(command, "/"):
		command = filepath.Join(dir, command)
	}
	return exec.LookPath(command)
}

// lookup returns the command that the list has for a name.
func lookup(list, name string) (string, error) {
	file, err := os.Open(list)
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == name && !strings.HasPrefix(name, "#") {
			return fields[1], nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s does not list it", list)
}

// recordMissing leaves a missing peer's name for the summary of scripts/test.
func recordMissing(name string) error {
	path := os.Getenv("S2NGO_MISSING_PEERS")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(name + "\n")
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
