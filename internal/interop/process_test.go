//go:build unix

package interop

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon bounds what takes no time unless the machine is busy.
const soon = 20 * time.Second

func TestStreams(t *testing.T) {
	p := Start(t, "sh", "-c", `read line; echo "got $line"; echo "port 4711" >&2; cat; exit 7`)
	p.Write("hello\n")
	if got := p.WaitFor(`(?m)^port (\d+)$`, soon); len(got) != 2 || got[1] != "4711" {
		t.Errorf("the match is %q, want the port as its one group", got)
	}
	p.Write("the rest")
	p.CloseStdin()
	if code := p.Exit(soon); code != 7 {
		t.Errorf("the exit status is %d, want 7", code)
	}
	if got, want := p.Stdout(), "got hello\nthe rest"; got != want {
		t.Errorf("stdout is %q, want %q", got, want)
	}
	if got, want := p.Stderr(), "port 4711\n"; got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

func TestRun(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	got := Run(t, "sh", "-c", `cat; head -c 1048576 /dev/zero | tr '\0' x; echo sorry >&2; exit 3`)
	if got != (Result{Code: 3, Stdout: big, Stderr: "sorry\n"}) {
		t.Errorf("status %d, %d bytes of stdout, stderr %q", got.Code, len(got.Stdout), got.Stderr)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	if got := Run(t, "sh", "-c", `echo "${https_proxy-none} $LC_ALL"`).Stdout; got != "none C\n" {
		t.Errorf("a program sees proxy and locale %q, want none and C", got)
	}
	cmd := exec.Command("sh", "-c", `echo "$GIVEN" && pwd`)
	cmd.Env = []string{"GIVEN=yes"}
	cmd.Dir = "/"
	p := StartCommand(t, cmd)
	if p.Exit(soon); p.Stdout() != "yes\n/\n" {
		t.Errorf("a command of the test's own saw %q", p.Stdout())
	}
}

func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		helper func(testing.TB)
		want   []string
	}{
		{"a program that does not exist", func(t testing.TB) { Start(t, "no-such-command") },
			[]string{"starting", "no-such-command", "not found"}},
		{"output that does not come", func(t testing.TB) { Start(t, "cat").WaitFor("never", 50*time.Millisecond) },
			[]string{`waited 50ms for the output to match "never"`, "cat is running"}},
		{"a program that ends before it says it",
			func(t testing.TB) { Start(t, "sh", "-c", "echo other words >&2; exit 4").WaitFor("never", soon) },
			[]string{`waited for the output to match "never"`, "ended with exit status 4", "other words"}},
		{"a program that does not end", func(t testing.TB) { Start(t, "cat").Exit(50 * time.Millisecond) },
			[]string{"waited 50ms for the program to end"}},
		{"a program that does not listen",
			func(t testing.TB) { Start(t, "cat").WaitListening(FreePort(t), 50*time.Millisecond) },
			[]string{"waited 50ms for port"}},
		{"input for a program that has ended",
			func(t testing.TB) {
				p := Start(t, "true")
				p.Exit(soon)
				p.Write("hello")
			}, []string{"writing 5 bytes"}},
		{"a program that the harness killed",
			func(t testing.TB) {
				p := Start(t, "cat")
				p.kill("after its limit")
				p.Exit(soon)
			}, []string{"signal: killed", "killed after its limit"}},
		{"a program that writes without end",
			func(t testing.TB) { Start(t, "cat", "/dev/zero").Exit(soon) },
			[]string{"signal: killed", "killed for writing more than 67108864 bytes"}},
	} {
		said := judge(t, test.helper)
		if !strings.HasPrefix(said, "failed: ") {
			t.Errorf("%s does not fail the test: %.200q", test.name, said)
		}
		for _, want := range test.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %.1000q does not say %q", test.name, said, want)
			}
		}
	}
}

func TestSignal(t *testing.T) {
	p := Start(t, "sh", "-c", `trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done`)
	p.WaitFor("ready", soon)
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(soon); code != 5 || !strings.Contains(p.Stdout(), "caught") {
		t.Errorf("exit status %d, stdout %q; want 5 and caught", code, p.Stdout())
	}
	p.Signal(syscall.SIGTERM)
	p.Kill()

	p = Start(t, "cat")
	p.Signal(syscall.SIGKILL)
	if code := p.Exit(soon); code != -1 {
		t.Errorf("the exit status is %d after a signal, want -1", code)
	}
}

// TestGroupEnds checks that a program's own children end with the test, and when it has ended.
func TestGroupEnds(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{"with the test", "sleep 300 & echo child $!; wait"},
		{"with the program", "sleep 300 >/dev/null 2>&1 & echo child $!"},
		{"with the program, whose output the child holds", "sleep 300 & echo child $!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var child int
			t.Run("test", func(t *testing.T) {
				p := Start(t, "sh", "-c", test.script)
				child, _ = strconv.Atoi(p.WaitFor(`child (\d+)`, soon)[1])
				if !strings.HasSuffix(test.script, "wait") {
					p.Exit(soon)
				}
			})
			gone := func() bool { return dead(child) }
			for deadline := time.Now().Add(soon); !gone(); time.Sleep(pollInterval) {
				if time.Now().After(deadline) {
					t.Fatalf("the child %d is still there", child)
				}
			}
		})
	}
}

// dead tells whether a process is gone, or waits only for its parent to notice.
func dead(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(string(state), "Z")
}

func TestWaitListening(t *testing.T) {
	port := FreePort(t)
	openssl := Peer(t, "openssl")
	key := t.TempDir() + "/key.pem"
	if made := Run(t, openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-subj", "/CN=localhost", "-keyout", key, "-out", key); made.Code != 0 {
		t.Fatal(made.Stderr)
	}
	// A server of one connection: it would be gone if the wait made one.
	server := Start(t, openssl, "s_server", "-accept", Address(port), "-cert", key, "-naccept", "1", "-www")
	server.WaitListening(port, soon)
	client := Run(t, openssl, "s_client", "-connect", Address(port), "-brief")
	if client.Code != 0 || !strings.Contains(client.Stderr, "CONNECTION ESTABLISHED") {
		t.Errorf("s_client ended with %d: %s", client.Code, client.Stderr)
	}
	server.Exit(soon)
}
