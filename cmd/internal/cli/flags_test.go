package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// values are what the options of table are read into.
type values struct {
	Yes           bool
	Name          string
	Names         []string
	N             int
	Delay, Length time.Duration
}

// table returns a program with one option of each kind.
func table() (*Flags, *values) {
	v := new(values)
	f := NewFlags("prog", "host [port]", "Does things.")
	f.Group("Things")
	f.Bool(&v.Yes, "yes", "a switch")
	f.String(&v.Name, "name", "NAME", "a word")
	f.Strings(&v.Names, "file", "FILE", "a word, again and again")
	f.Group("Numbers")
	f.Int(&v.N, "workers", "N", 0, 10, "a number")
	f.Duration(&v.Delay, "delay", "DUR", "a time")
	f.Seconds(func(d time.Duration) { v.Length = d }, "a-rather-long-option", "SECS", "seconds, on\ntwo lines")
	f.Examples = []string{"--yes localhost", "--name x localhost 1", "--workers 3 ::1 2"}
	return f, v
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // of the values and arguments, or the complaint
	}{
		{"", "{false  [] 0 0s 0s} []"},
		{"host", "{false  [] 0 0s 0s} [host]"},
		{"-yes host 1", "{true  [] 0 0s 0s} [host 1]"},
		{"--yes --name=x -name y --file a --file b host", "{true y [a b] 0 0s 0s} [host]"},
		{"--workers 10 --delay 20ms --a-rather-long-option 1.5 host", "{false  [] 10 20ms 1.5s} [host]"},
		{"--", "{false  [] 0 0s 0s} []"},
		{"--frob host", "--frob: unknown option"},
		{"-f", "--f: unknown option"},
		{"--name", "--name: needs a value"},
		{"--workers 11", `--workers "11": not a whole number from 0 to 10`},
		{"--workers -1", `--workers "-1": not a whole number from 0 to 10`},
		{"--workers x", `--workers "x": not a whole number from 0 to 10`},
		{"--delay 20", `--delay "20": not a duration like 20ms or 1.5s`},
		{"--delay -1s", `--delay "-1s": not a duration like 20ms or 1.5s`},
		{"--a-rather-long-option NaN", `--a-rather-long-option "NaN": not a number of seconds from 0 to 1000000`},
		{"--yes=perhaps", `--yes "perhaps": takes no value but true or false`},
		{"host --yes", "--yes: options come before host and port"},
		{"---yes", "options: bad flag syntax: ---yes"},
	} {
		f, v := table()
		rest, help, err := f.Parse(strings.Fields(c.line))
		got := fmt.Sprint(*v, rest)
		var usage *UsageError
		switch {
		case err != nil && !errors.As(err, &usage):
			t.Errorf("%q: %v is no UsageError", c.line, err)
			continue
		case err != nil:
			got = err.Error()
		}
		if got != c.want || help {
			t.Errorf("%q gives %s, not %s", c.line, got, c.want)
		}
	}
	for _, line := range []string{"-h", "--help", "-yes --help host"} {
		f, _ := table()
		if _, help, err := f.Parse(strings.Fields(line)); !help || err != nil {
			t.Errorf("%q gives help %v, error %v", line, help, err)
		}
	}
}

func TestHelp(t *testing.T) {
	f, _ := table()
	var b bytes.Buffer
	if err := f.WriteHelp(&b); err != nil {
		t.Fatal(err)
	}
	const want = `usage: prog [options] host [port]

Does things.

Things
  --yes                     a switch
  --name NAME               a word
  --file FILE               a word, again and again

Numbers
  --workers N               a number
  --delay DUR               a time
  --a-rather-long-option SECS
                            seconds, on
                            two lines

Examples
  prog --yes localhost
  prog --name x localhost 1
  prog --workers 3 ::1 2
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestConclude(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{nil, 0, ""},
		{Usage("--x", "is %s", "odd"), 2, "prog: --x: is odd; see prog --help\n"},
		{fmt.Errorf("wrapped: %w", Usage("--x", "is odd")), 2, "prog: wrapped: --x: is odd; see prog --help\n"},
		{ExitStatus(130), 130, ""},
		{errors.New("listening: no"), 1, "prog: listening: no\n"},
	} {
		var b bytes.Buffer
		if status := conclude("prog", c.err, &b); status != c.status || b.String() != c.says {
			t.Errorf("%v gives %d and %q", c.err, status, b.String())
		}
	}
}
