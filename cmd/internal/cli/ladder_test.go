package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew); got:\n%s", path, got)
	}
}

// step is an event of a connection and its time in microseconds.
type step struct {
	at int
	conn.TraceEvent
}

func play(r *Recorder, steps []step) {
	for _, s := range steps {
		r.record(s.TraceEvent, time.Duration(s.at)*time.Microsecond)
	}
}

func sent(text string, size int) conn.TraceEvent {
	return conn.TraceEvent{Kind: conn.TraceMessage, Sent: true, Text: text, Size: size}
}

func received(text string, size int) conn.TraceEvent {
	return conn.TraceEvent{Kind: conn.TraceMessage, Text: text, Size: size}
}

func key(sent bool, epoch string) conn.TraceEvent {
	return conn.TraceEvent{Kind: conn.TraceKey, Sent: sent, Text: epoch}
}

func blockedOn(b conn.Blocked) conn.TraceEvent {
	return conn.TraceEvent{Kind: conn.TraceBlocked, Text: b.String()}
}

var (
	askKey    = conn.TraceEvent{Kind: conn.TraceAsk, Text: "private key"}
	answerKey = conn.TraceEvent{Kind: conn.TraceAnswer, Text: "private key"}
)

// serverSteps are a server's handshake that is suspended for 20.3 ms.
func serverSteps() []step {
	return []step{
		{0, blockedOn(conn.BlockedOnRead)},
		{310, received("client_hello", 1474)},
		{650, sent("server_hello", 1206)},
		{655, conn.TraceEvent{Kind: conn.TraceCCS, Sent: true}},
		{660, key(true, "handshake")},
		{665, sent("encrypted_extensions", 6)},
		{670, sent("certificate", 436)},
		{690, askKey},
		{700, blockedOn(conn.BlockedOnApplicationInput)},
		{20990, answerKey},
		{21000, key(false, "handshake")},
		{21010, sent("certificate_verify", 75)},
		{21020, sent("finished", 32)},
		{21030, key(true, "application")},
		{21040, blockedOn(conn.BlockedOnRead)},
		{21900, received("finished", 32)},
		{21910, key(false, "application")},
		{21920, conn.TraceEvent{Kind: conn.TraceDone}},
	}
}

var closeSteps = []step{
	{1500000, conn.TraceEvent{Kind: conn.TraceAlert, Text: iana.CloseNotify.String()}},
	{1500100, conn.TraceEvent{Kind: conn.TraceAlert, Sent: true, Text: iana.CloseNotify.String()}},
}

// clientSteps are a client's handshake that signs at once and fails then.
func clientSteps() []step {
	return []step{
		{200, sent("client_hello", 1474)},
		{210, blockedOn(conn.BlockedOnRead)},
		{800, received("server_hello", 1206)},
		{810, key(false, "handshake")},
		{820, key(true, "handshake")},
		{830, received("encrypted_extensions", 6)},
		{840, blockedOn(conn.BlockedOnRead)},
		{30840, received("finished", 32)},
		{30850, askKey},
		{30950, answerKey},
		{30960, sent("certificate_verify", 75)},
		{31000, key(true, "application")},
		{31010, conn.TraceEvent{Kind: conn.TraceAlert, Text: "unknown_ca"}},
	}
}

func TestLadder(t *testing.T) {
	t.Run("a server that is suspended", func(t *testing.T) {
		r := NewRecorder("server", "192.0.2.7:50123", 3, time.Time{})
		play(r, serverSteps())
		got := r.Ladder(false)
		play(r, closeSteps)
		got += r.Ladder(true)
		golden(t, "ladder-server.txt", []byte(got))
		if again := r.Ladder(true); again != "" {
			t.Errorf("nothing has happened, but it draws %q", again)
		}
	})
	t.Run("a client that is refused", func(t *testing.T) {
		r := NewRecorder("client", "[2001:db8::1]:443", 1, time.Time{})
		play(r, clientSteps())
		got := r.Ladder(false)
		play(r, closeSteps)
		got += r.Ladder(false)
		golden(t, "ladder-client.txt", []byte(got))
	})
	t.Run("a connection that ends before the answer", func(t *testing.T) {
		r := NewRecorder("server", "192.0.2.7:50123", 4, time.Time{})
		play(r, serverSteps()[:9])
		r.finish(700 * time.Millisecond)
		golden(t, "ladder-unanswered.txt", []byte(r.Ladder(false)))
	})
}

func TestLadderKeepsItsWidth(t *testing.T) {
	r := NewRecorder("server", "192.0.2.7:50123", 3, time.Time{})
	play(r, serverSteps())
	play(r, []step{{2e9, sent("client_hello", 1<<24-1)}})
	for line := range strings.Lines(r.Ladder(false)) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > 86 {
			t.Errorf("%d columns: %q", n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("blanks at the end of %q", line)
		}
	}
}

func TestRecorderIsBounded(t *testing.T) {
	r := NewRecorder("server", "192.0.2.7:50123", 3, time.Time{})
	for i := range maxSteps + 7 {
		r.record(received("key_update", 1), time.Duration(i))
	}
	if got := r.Ladder(false); !strings.Contains(got, "7 further steps are not shown") {
		t.Errorf("%d rows are kept, and the end is %q", len(r.rows), got[len(got)-200:])
	}
}

func TestPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.html")
	o := &Output{HTML: path}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	for i, role := range []string{"server", "client"} {
		r := NewRecorder(role, "192.0.2.7:50123", i+1, time.Time{})
		if role == "server" {
			play(r, serverSteps())
		} else {
			play(r, clientSteps())
		}
		report := exampleReport()
		report.ServerName = "<script>alert(1)</script>"
		r.Report = &report
		if err := o.writePage(r); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "page.html", page)
	for _, no := range []string{"<script", "http://", "https://", "url(http", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(no)) {
			t.Errorf("the page contains %q", no)
		}
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

func TestPageKeepsTheLatest(t *testing.T) {
	o := &Output{HTML: filepath.Join(t.TempDir(), "trace.html")}
	for i := range maxPages + 5 {
		if err := o.writePage(NewRecorder("server", "192.0.2.7:50123", i+1, time.Time{})); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.pages) != maxPages || o.pages[0].Number != 6 {
		t.Errorf("%d connections are kept, from number %d on", len(o.pages), o.pages[0].Number)
	}
}

func TestPageThatCannotBeWritten(t *testing.T) {
	o := &Output{HTML: filepath.Join(t.TempDir(), "missing", "trace.html")}
	if err := o.Start(); err == nil || !strings.HasPrefix(err.Error(), "--trace-html: ") {
		t.Errorf("got %v", err)
	}
}
