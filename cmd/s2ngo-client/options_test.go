package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // whom to call, by which name and with which Host, or the complaint
	}{
		{"example.com", "example.com:443 example.com example.com"},
		{"example.com 8443", "example.com:8443 example.com example.com:8443"},
		{"--name localhost 127.0.0.1 8443", "127.0.0.1:8443 localhost localhost:8443"},
		{"::1 8443", "[::1]:8443 ::1 [::1]:8443"},
		{"[::1]", "[::1]:443 ::1 [::1]"},
		{"--get /x?y localhost", "localhost:443 localhost localhost"},
		{"--echo --send-file x localhost", "localhost:443 localhost localhost"},

		{"", "arguments: no host to connect to"},
		{"localhost 1 2", "2: there is nothing behind host and port"},
		{"localhost 0", `port "0": not a number from 1 to 65535`},
		{"localhost https", `port "https": not a number from 1 to 65535`},
		{"--get / --echo localhost", "options: --get excludes --echo and --send-file"},
		{"--get / --send-file x localhost", "options: --get excludes --echo and --send-file"},
		{"--get index.html localhost", `--get "index.html": not a path that begins with / and has no blanks`},
		{"--reconnect 3 --ticket-in a --ticket-out b --early-data c localhost", "localhost:443 localhost localhost"},
		{"--psk a,b,00ff,SHA384 --psk me,01,sha-256 localhost", "localhost:443 localhost localhost"},
		{"--reconnect x localhost", `--reconnect "x": not a whole number from 0 to 1048576`},
		{"--reconnect 3 --echo localhost", "options: --reconnect excludes --echo of stdin, which has one end"},
		{"--no-session-ticket --early-data x localhost", "options: --early-data needs a ticket, and --no-session-ticket excludes them"},
		{"--psk me localhost", "--psk ...: not an identity, a secret in hexadecimal digits and a hash, separated by commas"},
		{"--psk me,00,SHA256 localhost", "--psk ...: the secret of a PSK has 1 to 65535 bytes, not all of them zero"},
		{"--psk ,01,SHA256 localhost", "--psk ...: the identity of a PSK has 1 to 65535 bytes, not 0"},
		{"--psk me,01,SHA512 localhost", `--psk ...: hash "SHA512" is neither SHA256 nor SHA384`},
		{"--psk me,1,SHA256 localhost", "--psk ...: the secret is not in hexadecimal digits"},
		{"--frob localhost", "--frob: unknown option"},
	} {
		o, f := newOptions()
		rest, _, err := f.Parse(strings.Fields(c.line))
		if err == nil {
			err = o.check(rest)
		}
		got := fmt.Sprint(o.peer(), " ", o.name, " ", o.hostHeader())
		if err != nil {
			got = err.Error()
			var usage *cli.UsageError
			if !errors.As(err, &usage) {
				t.Errorf("%q: %v is not about usage", c.line, err)
			}
		}
		if got != c.want {
			t.Errorf("%q gives %s, not %s", c.line, got, c.want)
		}
	}
	for _, path := range []string{"/a b", "/a\r\nHost: evil", "/\x00"} {
		o, _ := newOptions()
		o.get = path
		if o.check([]string{"localhost"}) == nil {
			t.Errorf("--get takes %q", path)
		}
	}
}

func TestStatusOfSignals(t *testing.T) {
	if got := statusOf(syscall.SIGINT); got != 130 {
		t.Errorf("SIGINT is %d", got)
	}
	if got := statusOf(syscall.SIGTERM); got != 143 {
		t.Errorf("SIGTERM is %d", got)
	}
}
