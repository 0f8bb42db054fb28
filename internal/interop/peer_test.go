package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A verdict is a testing.TB that notes how a helper ended its test.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.said = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatal(args ...any) {
	v.said = "failed: " + fmt.Sprint(args...)
	runtime.Goexit()
}

func (v *verdict) Skipf(format string, args ...any) {
	v.said = "skipped: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Skip(args ...any) {
	v.said = "skipped: " + fmt.Sprint(args...)
	runtime.Goexit()
}

// judge runs a helper as a test would and returns what it made of that test, or nothing.
func judge(t *testing.T, helper func(testing.TB)) string {
	t.Helper()
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		helper(v)
	}()
	<-done
	return v.said
}

// writeFile writes a file into a new folder and returns the folder and the file.
func writeFile(t *testing.T, name, text string, mode os.FileMode) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func TestPeer(t *testing.T) {
	const peers = "# name command installer packages\n\n" +
		"shell  sh               apt  dash\n" +
		"own    tools/own        npm  own@1\n" +
		"gone   no-such-command  apt  gone\n" +
		"lost   tools/lost       npm  lost@1\n" +
		"header /dev/null        apt  null\n" +
		"hidden /dev/no/such.h   apt  null\n" +
		"any    /dev/nul*        apt  null\n" +
		"none   /dev/no/such*.h  apt  null\n"
	dir, list := writeFile(t, "peers.txt", peers, 0o600)
	own := filepath.Join(dir, "tools", "own")
	if err := os.Mkdir(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, peer, require string
		path, said, missing string
	}{
		{"a command on PATH is found", "shell", "", "/sh", "", ""},
		{"a path from the root is found", "own", "1", own, "", ""},
		{"a file with an absolute path is found", "header", "1", "/dev/null", "", ""},
		{"a file that fits a pattern is found", "any", "1", "/dev/null", "", ""},
		{"a pattern that fits no file skips", "none", "", "", "skipped: the peer none is missing", "none\n"},
		{"a missing file skips", "hidden", "", "", "skipped: the peer hidden is missing", "hidden\n"},
		{"a missing command skips", "gone", "", "", "skipped: the peer gone is missing", "gone\n"},
		{"a missing path skips", "lost", "0", "", "skipped: the peer lost is missing", "lost\n"},
		{"a missing peer fails where peers are required", "gone", "1", "",
			"failed: the peer gone is missing, and S2NGO_REQUIRE_PEERS=1", "gone\n"},
		{"a peer that is not listed fails", "stranger", "", "", "failed: looking for the peer stranger", ""},
		{"a comment is not a peer", "#", "", "", "failed: looking for the peer #", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			missing := filepath.Join(t.TempDir(), "missing")
			t.Setenv("S2NGO_MISSING_PEERS", missing)
			t.Setenv("S2NGO_REQUIRE_PEERS", test.require)
			var path string
			said := judge(t, func(t testing.TB) { path = peer(t, dir, list, test.peer) })
			if !strings.HasPrefix(said, test.said) || said != "" && test.said == "" {
				t.Errorf("the test was %q, want %q", said, test.said)
			}
			if !strings.HasSuffix(path, test.path) || path != "" && test.path == "" {
				t.Errorf("the path is %q, want %q", path, test.path)
			}
			if noted, _ := os.ReadFile(missing); string(noted) != test.missing {
				t.Errorf("noted as missing: %q, want %q", noted, test.missing)
			}
		})
	}
}

// TestPeersAreListed reads the list as scripts/peers does.
func TestPeersAreListed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Root(t), "scripts", "peers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 4 || fields[2] != "apt" && fields[2] != "npm" {
			t.Errorf("%q is not: name, command, apt or npm, packages", line)
		}
		if names[fields[0]] {
			t.Errorf("%s is listed twice", fields[0])
		}
		names[fields[0]] = true
	}
	for _, name := range []string{"openssl", "curl", "gnutls-cli", "gnutls-serv", "node"} {
		if !names[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}

func TestSkipUnderRace(t *testing.T) {
	for value, want := range map[string]string{"": "", "0": "", "1": "skipped: shown by the run without the race detector"} {
		t.Setenv("S2NGO_RACE", value)
		if said := judge(t, SkipUnderRace); said != want {
			t.Errorf("with S2NGO_RACE=%q the test was %q, want %q", value, said, want)
		}
	}
}
