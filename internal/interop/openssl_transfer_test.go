//go:build unix

package interop

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// bulk is 8 MiB of lines that begin with no command letter of openssl's, and a last one of its own.
var bulk = sync.OnceValue(func() string {
	random := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	for text.Len() < 8<<20 {
		for range 63 {
			text.WriteByte('0' + byte(random.IntN(10)))
		}
		text.WriteByte('\n')
	}
	return text.String() + last
})

const last = "that was all\n"

// expectBulk waits until a program has printed text, which ends as bulk does.
func expectBulk(t *testing.T, p *Process, text string) {
	t.Helper()
	p.WaitFor(regexp.QuoteMeta(last), prompt)
	if got := p.Stdout(); !strings.HasSuffix(got, text) {
		t.Errorf("of %d bytes came %d others", len(text), len(got))
	}
}

// TestOpenSSLTransfer moves 8 MiB both ways at once, in records of each size.
func TestOpenSSLTransfer(t *testing.T) {
	t.Parallel()
	openssl := Peer(t, "openssl")
	_, program := Binaries(t)
	for _, version := range versions {
		for _, size := range [][]string{nil, {"--prefer-throughput"}, {"--prefer-low-latency"}, {"--buffered-send", "65536"}} {
			t.Run(strings.Join(append([]string{version.name, "s_client"}, size...), " "), func(t *testing.T) {
				ours := serve(t, append(with(t, "p256"), size...)...)
				theirs := Start(t, openssl, sClientLine(t, ours.port, []string{version.openssl, "-nocommands"})...)
				theirs.Write(bulk())
				expectBulk(t, theirs, bulk())
				theirs.CloseStdin()
				theirs.Exit(prompt)
				got := ours.next()
				got.expect(t, report{Version: version.name})
				if got.AppIn != len(bulk()) || got.AppOut != len(bulk()) {
					t.Errorf("the server counts %d bytes in and %d out of %d", got.AppIn, got.AppOut, len(bulk()))
				}
			})
		}
		t.Run(version.name+" s_server", func(t *testing.T) {
			theirs, port := sServerRaw(t, "p256", version.openssl, "-quiet")
			ours := Start(t, program, clientLine(t, port, []string{"--echo"})...)
			// It blocks for good if it has input before the handshake is over.
			ours.Write("ready\n")
			theirs.WaitFor("ready", prompt)
			theirs.Write(bulk())
			ours.Write(bulk())
			expectBulk(t, theirs, bulk())
			ours.WaitFor(last, prompt)
			ours.CloseStdin()
			code := ours.Exit(prompt)
			got := visited(t, Result{code, ours.Stdout(), ours.Stderr()})
			got.expect(t, report{Version: version.name})
			if code != 0 || got.Data != bulk() || got.AppIn != len(bulk()) || got.AppOut != len("ready\n"+bulk()) {
				t.Errorf("s2ngo-client ended with %d, and %d bytes in and %d out of %d", code, got.AppIn, got.AppOut, len(bulk()))
			}
		})
	}
}

// TestOpenSSLKeyUpdate changes keys in the middle of data.
func TestOpenSSLKeyUpdate(t *testing.T) {
	t.Parallel()
	update := regexp.MustCompile(`KeyUpdate`)
	for _, test := range []struct {
		name, command string
		count         int // of the messages that s_client tells of
	}{
		{"for both directions", "K\n", 2},
		{"for one direction", "k\n", 1},
	} {
		t.Run("s_client asks "+test.name, func(t *testing.T) {
			ours := serve(t, with(t, "p256")...)
			theirs := Start(t, Peer(t, "openssl"), sClientLine(t, ours.port, []string{"-tls1_3", "-msg"})...)
			theirs.WaitFor("Verification: OK", prompt)
			for _, step := range []struct{ input, output string }{
				{"one\n", "one"}, {test.command, "KEYUPDATE"}, {"two\n", "two"}, {test.command, "KEYUPDATE(.|\n)*KEYUPDATE"}, {"three\n", "three"},
			} {
				theirs.Write(step.input)
				theirs.WaitFor(step.output, prompt)
			}
			theirs.CloseStdin()
			theirs.Exit(prompt)
			if got := len(update.FindAllString(theirs.Stdout(), -1)); got != 2*test.count {
				t.Errorf("s_client tells of %d KeyUpdates, want %d", got, 2*test.count)
			}
			got := ours.next()
			if got.expect(t, report{Version: "TLSv1.3"}); got.AppIn != len("one\ntwo\nthree\n") {
				t.Errorf("the server has %d bytes", got.AppIn)
			}
		})
	}
	t.Run("s_server asks", func(t *testing.T) {
		theirs, port := sServerRaw(t, "p256", "-msg")
		_, program := Binaries(t)
		ours := Start(t, program, clientLine(t, port, []string{"--echo"})...)
		ours.Write("one\n")
		theirs.WaitFor("(?m)^one$", prompt)
		for _, step := range []struct{ input, output string }{
			{"K\n", "<<< TLS 1.3, Handshake .*KeyUpdate"}, {"k\n", ">>> TLS 1.3, Handshake .*KeyUpdate(.|\n)*>>> TLS 1.3, Handshake .*KeyUpdate"},
		} {
			theirs.Write(step.input)
			ours.Write("some\n")
			theirs.WaitFor(step.output, prompt)
		}
		theirs.Write("two\n")
		ours.WaitFor("two", prompt)
		ours.Write("three\n")
		theirs.WaitFor("(?m)^three$", prompt)
		ours.CloseStdin()
		if code := ours.Exit(prompt); code != 0 {
			t.Errorf("s2ngo-client ended with %d: %s", code, ours.Stderr())
		}
	})
	t.Run("s2ngo-client asks s_server", func(t *testing.T) {
		theirs, port := sServer(t, "p256", "-msg")
		got := connect(t, port, greeting, "--echo", "--key-update")
		expectReversed(t, got)
		got.expect(t, report{Version: "TLSv1.3"})
		theirs.WaitFor("<<< .*KeyUpdate", prompt)
		theirs.WaitFor(">>> .*KeyUpdate", prompt)
	})
}

// TestOpenSSLTruncation ends a connection without close_notify.
func TestOpenSSLTruncation(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	openssl := Peer(t, "openssl")
	_, program := Binaries(t)
	for _, version := range versions {
		t.Run(version.name+" s_client dies", func(t *testing.T) {
			ours := serve(t, with(t, "p256")...)
			theirs := Start(t, openssl, sClientLine(t, ours.port, []string{version.openssl})...)
			theirs.Write("data\n")
			theirs.WaitFor("data", prompt)
			theirs.Kill()
			if got := ours.next(); got.ErrorKind != "closed" || got.AlertSent || !strings.Contains(got.Error, "EOF") {
				t.Errorf("the server says %q of kind %s", got.Error, got.ErrorKind)
			}
		})
		t.Run(version.name+" s_server dies", func(t *testing.T) {
			theirs, port := sServerRaw(t, "p256", version.openssl, "-quiet")
			ours := Start(t, program, clientLine(t, port, []string{"--echo"})...)
			ours.Write("data\n")
			theirs.WaitFor("data", prompt)
			theirs.Kill()
			code := ours.Exit(prompt)
			got := visited(t, Result{code, ours.Stdout(), ours.Stderr()})
			if code != 1 || got.ErrorKind != "closed" || got.AlertSent || !strings.Contains(got.Error, "EOF") {
				t.Errorf("s2ngo-client ended with %d and %q of kind %s", code, got.Error, got.ErrorKind)
			}
		})
		t.Run(version.name+" both say close_notify", func(t *testing.T) {
			theirs, port := sServer(t, "p256", version.openssl, "-msg")
			expectReversed(t, connect(t, port, greeting, "--echo"))
			theirs.WaitFor(`<<< .*Alert.*close_notify`, prompt)
			theirs.WaitFor(`>>> .*Alert.*close_notify`, prompt)
		})
	}
}
