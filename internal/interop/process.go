//go:build unix

package interop

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of every process.
const (
	// Limit is the longest that a process lives.
	Limit = 2 * time.Minute
	// RunLimit is the longest that Run waits.
	RunLimit = 30 * time.Second
	// graceLimit is how long the output of a process that has ended is waited for, if a child
	// of its own still holds it.
	graceLimit = 2 * time.Second
	// pollInterval is how often a condition is looked at that nothing announces.
	pollInterval = 10 * time.Millisecond
)

// A Process is a program that a test started, alone in its process group. The group is killed when
// the test is over, when the program has ended, and after Limit; on Linux the program also dies
// with the test binary.
type Process struct {
	t   testing.TB
	cmd *exec.Cmd
	// stdin is the program's input, open until CloseStdin: many peers end with their input.
	stdin          io.WriteCloser
	stdout, stderr stream
	// done is closed when the program has ended and its output is complete.
	done chan struct{}

	mu sync.Mutex
	// ended says that the number of the process group may belong to another one.
	ended bool
	// killed is why the harness ended the program, if it did.
	killed string
}

// Start starts a program in an environment of few variables and the C locale. Its input stays open.
func Start(t testing.TB, command string, args ...string) *Process {
	t.Helper()
	return StartCommand(t, exec.Command(command, args...))
}

// StartCommand starts a program in the folder and, unless it is nil, the environment that cmd has.
// The streams and process attributes of cmd are the harness's to set.
func StartCommand(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, done: make(chan struct{})}
	overflow := func() { p.kill(fmt.Sprintf("for writing more than %d bytes", outputLimit)) }
	p.stdout.overflow, p.stderr.overflow = overflow, overflow
	if cmd.Env == nil {
		cmd.Env = Environment()
	}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.SysProcAttr = groupAttributes()
	cmd.WaitDelay = graceLimit
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("starting %v: %v", cmd, err)
	}
	p.stdin = stdin
	started := make(chan error)
	go p.live(started)
	if err := <-started; err != nil {
		t.Fatalf("starting %v: %v", cmd, err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.describe())
		}
	})
	return p
}

// Environment returns what programs get to see: what they need, and nothing that would change what
// they do, such as a proxy. The variables of more, as NAME=VALUE, stand behind it.
func Environment(more ...string) []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GODEBUG", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, more...)
}

// live starts the program and stays until it has ended. It keeps its thread: the kernel takes the
// end of the thread that started a program for the end of its parent.
func (p *Process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	limit := time.AfterFunc(Limit, func() { p.kill(fmt.Sprintf("after %v", Limit)) })
	defer limit.Stop()
	// The error repeats what ProcessState says, or says that a child held the output too long.
	_ = p.cmd.Wait()
	p.mu.Lock()
	killGroup(p.cmd.Process.Pid)
	p.ended = true
	p.mu.Unlock()
	close(p.done)
}

// kill ends the process group for a reason of the harness, or of the test if why is empty.
func (p *Process) kill(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.killed == "" {
		p.killed = why
	}
	killGroup(p.cmd.Process.Pid)
}

// Kill ends the process group at once and waits until it is gone. It may be called on any goroutine.
func (p *Process) Kill() {
	p.kill("")
	<-p.done
}

// Signal sends a signal to the program alone, unless it has ended. It may be called on any goroutine.
func (p *Process) Signal(signal syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		// The one error is that the program has just ended.
		_ = p.cmd.Process.Signal(signal)
	}
}

// signalGroup sends a signal to the program and its children, unless it has ended.
func (p *Process) signalGroup(signal syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		// The one error is that the program has just ended.
		_ = syscall.Kill(-p.cmd.Process.Pid, signal)
	}
}

// Write writes text to the program's input.
func (p *Process) Write(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, text); err != nil {
		p.t.Fatalf("writing %d bytes to the program: %v", len(text), err)
	}
}

// CloseStdin ends the program's input, or does nothing if the program has ended.
func (p *Process) CloseStdin() {
	// The one error is that the pipe is closed already.
	_ = p.stdin.Close()
}

// Stdout returns what the program has written so far. It may be called on any goroutine, as may Stderr.
func (p *Process) Stdout() string { return p.stdout.String() }

// Stderr returns what the program has written to its standard error so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// WaitFor waits until one of the two streams, from its beginning, matches a regular expression, and
// returns the match and its groups.
func (p *Process) WaitFor(pattern string, timeout time.Duration) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var match []string
	p.until(fmt.Sprintf("the output to match %q", pattern), timeout, func() bool {
		if match = p.stdout.find(re); match == nil {
			match = p.stderr.find(re)
		}
		return match != nil
	})
	return match
}

// WaitListening waits until something listens on a TCP port. On Linux it connects to nothing, so
// that a program that serves one connection still has it to serve.
func (p *Process) WaitListening(port int, timeout time.Duration) {
	p.t.Helper()
	p.until(fmt.Sprintf("port %d to listen", port), timeout, func() bool { return listening(port) })
}

// until waits for a condition, and fails the test when the time is over or the program ends first.
func (p *Process) until(what string, timeout time.Duration, condition func() bool) {
	p.t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		// Looked at before the condition: what the program said last counts.
		ended := p.hasEnded()
		if condition() {
			return
		}
		if ended {
			p.t.Fatalf("waited for %s, but %s", what, p.describe())
		}
		select {
		case <-deadline.C:
			if !condition() {
				p.t.Fatalf("waited %v for %s: %s", timeout, what, p.describe())
			}
			return
		case <-p.done:
		case <-tick.C:
		}
	}
}

// Exit waits until the program ends of its own accord, or by a signal of the test, and returns its
// exit status, -1 for a signal.
func (p *Process) Exit(timeout time.Duration) int {
	p.t.Helper()
	p.until("the program to end", timeout, p.hasEnded)
	p.mu.Lock()
	killed := p.killed
	p.mu.Unlock()
	if killed != "" {
		p.t.Fatal(p.describe())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// describe says what the program is, what became of it and what it wrote.
func (p *Process) describe() string {
	p.mu.Lock()
	fate := "is running"
	if p.ended {
		fate = "ended with " + p.cmd.ProcessState.String()
	}
	if p.killed != "" {
		fate += ", killed " + p.killed
	}
	p.mu.Unlock()
	return fmt.Sprintf("%v %s\nits stdout:\n%s\nits stderr:\n%s", p.cmd, fate, p.stdout.tail(), p.stderr.tail())
}

// A Result is what a program left that Run ran.
type Result struct {
	// Code is the exit status, -1 if a signal ended the program.
	Code           int
	Stdout, Stderr string
}

// Run runs a program with an empty input to its end, for at most RunLimit.
func Run(t testing.TB, command string, args ...string) Result {
	t.Helper()
	return RunCommand(t, exec.Command(command, args...))
}

// RunCommand is Run with a folder and an environment, as in [StartCommand].
func RunCommand(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	p := StartCommand(t, cmd)
	p.CloseStdin()
	code := p.Exit(RunLimit)
	return Result{Code: code, Stdout: p.Stdout(), Stderr: p.Stderr()}
}
