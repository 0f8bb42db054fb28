//go:build unix

package interop

import (
	"encoding/json"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// prompt bounds what takes a moment, on a machine that is busy with other tests.
const prompt = 30 * time.Second

// A report is the line that our programs print of a connection with --json.
type report struct {
	Version             string `json:"version"`
	CipherSuite         string `json:"cipher_suite"`
	Group               string `json:"group"`
	SignatureScheme     string `json:"signature_scheme"`
	PeerSignatureScheme string `json:"peer_signature_scheme"`
	ServerName          string `json:"server_name"`
	ALPN                string `json:"alpn"`
	Resumed             bool   `json:"resumed"`
	PSK                 string `json:"psk"`
	EarlyData           string `json:"early_data"`
	HelloRetry          bool   `json:"hrr"`
	ClientAuth          bool   `json:"client_auth"`
	Blocked             struct {
		Application int `json:"application"`
	} `json:"blocked"`
	AppIn     int    `json:"app_in"`
	AppOut    int    `json:"app_out"`
	Error     string `json:"error"`
	ErrorKind string `json:"error_kind"`
	Alert     string `json:"alert"`
	AlertSent bool   `json:"alert_sent"`
}

// parseReport reads one line.
func parseReport(t testing.TB, line string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("the report %q: %v", line, err)
	}
	return r
}

// expect checks what want names, and that nothing went wrong.
func (r report) expect(t testing.TB, want report) {
	t.Helper()
	if r.Error != "" {
		t.Errorf("the connection failed: %s", r.Error)
		return
	}
	for _, field := range []struct{ name, got, want string }{
		{"the version", r.Version, want.Version},
		{"the cipher suite", r.CipherSuite, want.CipherSuite},
		{"the group", r.Group, want.Group},
		{"the scheme", r.SignatureScheme, want.SignatureScheme},
		{"the peer's scheme", r.PeerSignatureScheme, want.PeerSignatureScheme},
		{"the server's name", r.ServerName, want.ServerName},
		{"the protocol", r.ALPN, want.ALPN},
	} {
		if field.want != "" && field.got != field.want {
			t.Errorf("%s is %s, want %s", field.name, field.got, field.want)
		}
	}
	if r.HelloRetry != want.HelloRetry {
		t.Errorf("a HelloRetryRequest: %v, want %v", r.HelloRetry, want.HelloRetry)
	}
	if r.ClientAuth != want.ClientAuth {
		t.Errorf("a client's certificate: %v, want %v", r.ClientAuth, want.ClientAuth)
	}
}

// A server is an s2ngo-server.
type server struct {
	*Process
	t    testing.TB
	port int
	told int // reports that next has returned
}

// serve starts s2ngo-server and waits until it listens.
func serve(t testing.TB, options ...string) *server {
	t.Helper()
	return serveIn(t, nil, options...)
}

// serveIn is serve with more variables in the server's environment.
func serveIn(t testing.TB, env []string, options ...string) *server {
	t.Helper()
	program, _ := Binaries(t)
	cmd := exec.Command(program, append(options, "--json", "0")...)
	cmd.Env = Environment(env...)
	s := &server{Process: StartCommand(t, cmd), t: t}
	t.Cleanup(func() { expectSound(t, s.Stderr()) })
	port := s.WaitFor(`(?m)^listening on 127\.0\.0\.1:(\d+)$`, prompt)[1]
	s.port, _ = strconv.Atoi(port)
	return s
}

// next waits for the end of the connection behind the one that it returned before.
func (s *server) next() report {
	s.t.Helper()
	var lines []string
	s.until("the report of connection "+strconv.Itoa(s.told+1), prompt, func() bool {
		lines = strings.SplitAfter(s.Stdout(), "\n")
		return len(lines) > s.told+1
	})
	s.told++
	return parseReport(s.t, lines[s.told-1])
}

// expectSound checks that one of our programs neither panicked nor raced.
func expectSound(t testing.TB, stderr string) {
	t.Helper()
	for _, cry := range []string{"panic: ", "fatal error: ", "WARNING: DATA RACE"} {
		if strings.Contains(stderr, cry) {
			t.Errorf("the program has a bug: %s", stderr)
		}
	}
}

// A visit is what s2ngo-client made of one connection.
type visit struct {
	report
	Code   int
	Data   string // from the server
	Stderr string
}

// connect runs s2ngo-client with an input to its end.
func connect(t testing.TB, port int, input string, options ...string) visit {
	t.Helper()
	return connectIn(t, nil, port, input, options...)
}

// connectIn is connect with more variables in the client's environment.
func connectIn(t testing.TB, env []string, port int, input string, options ...string) visit {
	t.Helper()
	_, program := Binaries(t)
	cmd := exec.Command(program, clientLine(t, port, options)...)
	cmd.Env = Environment(env...)
	return visited(t, runCommandWith(t, input, cmd))
}

// clientLine is the command line of a client that trusts the test's authorities.
func clientLine(t testing.TB, port int, options []string) []string {
	line := append([]string{"--ca-file", roots(t), "--name", localhost, "--json"}, options...)
	return append(line, "127.0.0.1", strconv.Itoa(port))
}

// visited takes the report from the end of a client's output.
func visited(t testing.TB, result Result) visit {
	t.Helper()
	expectSound(t, result.Stderr)
	start := strings.LastIndex(result.Stdout, `{"role":"client"`)
	if start < 0 {
		t.Fatalf("s2ngo-client ended with %d and no report\nits stdout:\n%s\nits stderr:\n%s",
			result.Code, result.Stdout, result.Stderr)
	}
	return visit{parseReport(t, result.Stdout[start:]), result.Code, result.Stdout[:start], result.Stderr}
}

// runWith runs a program with an input to its end.
func runWith(t testing.TB, input, command string, args ...string) Result {
	t.Helper()
	return runCommandWith(t, input, exec.Command(command, args...))
}

// runCommandWith is runWith with a folder and an environment, as in StartCommand.
func runCommandWith(t testing.TB, input string, cmd *exec.Cmd) Result {
	t.Helper()
	p := StartCommand(t, cmd)
	// A program that refuses its peer need not read its input.
	_, _ = io.WriteString(p.stdin, input)
	p.CloseStdin()
	code := p.Exit(RunLimit)
	return Result{Code: code, Stdout: p.Stdout(), Stderr: p.Stderr()}
}
