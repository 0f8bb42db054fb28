package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // the address, or the complaint
	}{
		{"--self-signed localhost 0", "127.0.0.1:0"},
		{"--self-signed localhost ::1 4433", "[::1]:4433"},
		{"--self-signed localhost [::] 4433", "[::]:4433"},
		{"--cert a --key b --https-bench 10k 0.0.0.0 1", "0.0.0.0:1"},
		{"--self-signed x --mutual-auth --insecure 1", "127.0.0.1:1"},

		{"--self-signed x", "arguments: no port to listen on"},
		{"--self-signed x localhost 1 2", "2: there is nothing behind host and port"},
		{"--self-signed x 65536", `port "65536": not a number from 0 to 65535`},
		{"--self-signed x http", `port "http": not a number from 0 to 65535`},
		{"4433", "certificate: there is none: give --cert and --key, --pkcs11-uri URI or --self-signed NAME"},
		{"--self-signed x --echo --https 1", "options: --negotiate, --echo, --https and --https-bench exclude each other"},
		{"--self-signed x --https-bench 0 --negotiate 1", "options: --negotiate, --echo, --https and --https-bench exclude each other"},
		{"--self-signed x --https-bench 2G 1", `--https-bench "2G": not a number of bytes up to 2147483647`},
		{"--self-signed x --mutual-auth --optional-auth 1", "options: --mutual-auth and --optional-auth exclude each other"},
		{"--self-signed x --prefer-throughput --prefer-low-latency 1", "options: --prefer-low-latency and --prefer-throughput exclude each other"},
		{"--self-signed x --mutual-auth 1", "client certificates: need --ca-file, --ca-dir or --insecure, to say whose are good"},
		{"--psk me,01,SHA256 1", "127.0.0.1:1"},
		{"--self-signed x --session-cache memory --max-early-data 16k --stk-file x 1", "127.0.0.1:1"},
		{"--self-signed x --session-cache redis://h:1 --stk-file x --no-session-ticket 1", "127.0.0.1:1"},
		{"--self-signed x --session-cache disk 1", "--session-cache disk: neither memory nor redis://HOST:PORT"},
		{"--self-signed x --session-cache redis://h:1 1", "--session-cache redis://h:1: needs --stk-file, the fleet's secret"},
		{"--self-signed x --stk-file x --no-session-ticket 1", "options: --stk-file and --no-session-ticket exclude each other"},
		{"--self-signed x --stk-lifetime 1h --stk-file x 1", "--stk-lifetime: is for --session-cache redis://HOST:PORT"},
		{"--self-signed x --stk-lifetime 1000h --stk-file x --session-cache redis://h:1 1", "--stk-lifetime: longer than 168h0m0s"},
		{"--self-signed x --max-early-data 17M 1", `--max-early-data "17M": more than 16777216 bytes`},
		{"--self-signed x --max-conns 0 1", `--max-conns "0": not a whole number from 1 to 1073741824`},
		{"--no-such-option 1", "--no-such-option: unknown option"},
	} {
		o, f := newOptions()
		rest, _, err := f.Parse(strings.Fields(c.line))
		got := ""
		if err == nil {
			address, failed := o.check(rest)
			got, err = address.String(), failed
		}
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
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--cert missing.pem 1", "--cert missing.pem: needs a --key behind it, or --pkcs11-uri"},
		{"--cert missing.pem --key missing.pem 1", "missing.pem: no such file"},
		{"--self-signed localhost --ca-file missing.pem 1", "--ca-file missing.pem: no such file"},
		{"--self-signed localhost --ocsp missing.der 1", "--ocsp missing.der: no such file"},
		{"--self-signed localhost --ocsp missing.der --ocsp more.der 1", "--ocsp more.der: there is no certificate for it"},
		{"--self-signed localhost --sct missing --sct more 1", "--sct more: there is no certificate for it"},
		{"--self-signed localhost --stk-file /nonesuch 1", "--stk-file /nonesuch: no such file"},
		{"--self-signed localhost --stk-file /dev/null 1", "--stk-file /dev/null: empty"},
		{"--self-signed localhost --session-cache redis://h:1 --stk-file /dev/null 1", "/dev/null holds neither 32 bytes nor 64 hexadecimal digits"},
		{"--self-signed localhost --session-cache redis://h:1 --stk-file /nonesuch 1", "no such file"},
		{"--self-signed localhost --key-log /nonesuch/keys 1", "--key-log /nonesuch/keys: no such file"},
	} {
		o, f := newOptions()
		rest, _, err := f.Parse(strings.Fields(c.line))
		if err == nil {
			_, err = o.check(rest)
		}
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
			continue
		}
		if _, _, err = o.config(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, not %s", c.line, err, c.want)
		}
	}
}

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		head string
		want *request // nil = refused
	}{
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &request{method: "GET", target: "/"}},
		{"GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", &request{method: "GET", target: "/", last: true}},
		{"HEAD /x HTTP/1.0\r\n\r\n", &request{method: "HEAD", target: "/x", last: true}},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &request{method: "GET", target: "/"}},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", &request{method: "POST", target: "/", hasBody: true}},
		{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &request{method: "GET", target: "/", hasBody: true}},
		{"GET /\r\n\r\n", nil},
		{"GET  HTTP/1.1\r\n\r\n", nil},
		{"GET / HTTP/2\r\n\r\n", nil},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", nil},
		{"\r\n\r\n", nil},
	} {
		got, err := parseRequest([]byte(c.head))
		switch {
		case c.want == nil && err == nil:
			t.Errorf("%q is taken for %+v", c.head, *got)
		case c.want != nil && err != nil:
			t.Errorf("%q: %v", c.head, err)
		case c.want != nil && *got != *c.want:
			t.Errorf("%q is %+v", c.head, *got)
		}
	}
}
