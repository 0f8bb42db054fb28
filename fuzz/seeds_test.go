package fuzz

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record the seeds anew")

// corpus is where `go test` looks for the seeds of each target.
const corpus = "testdata/fuzz"

// maxCorpus bounds all seeds together, in bytes: they run with every `go test`.
const maxCorpus = 300 << 10

// seeds are the inputs of one target by name.
type seeds map[string][]any

// recorded makes the seeds of every target.
func recorded(t *testing.T) map[string]seeds {
	return map[string]seeds{
		"FuzzRecord": recordSeeds(t), "FuzzMessage": messageSeeds(t), "FuzzExtension": extensionSeeds(t),
		"FuzzMachine": machineSeeds(), "FuzzConn": connSeeds(), "FuzzPSK": pskSeeds(),
		"FuzzSession": sessionSeeds(), "FuzzTicket": ticketSeeds(t),
	}
}

// TestSeeds holds that every target has the seeds that it is to have, and that all of them
// together are small. With -update it records them.
func TestSeeds(t *testing.T) {
	for target, list := range recorded(t) {
		dir := filepath.Join(corpus, target)
		if *update {
			write(t, dir, list)
		}
		for name := range list {
			if _, err := os.Stat(filepath.Join(dir, "seed-"+name)); err != nil {
				t.Errorf("%v: record the seeds with -update", err)
			}
		}
	}
	total := int64(0)
	if err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if total > maxCorpus {
		t.Errorf("the seeds have %d bytes, more than %d", total, maxCorpus)
	}
}

// write replaces the recorded seeds of a target, and leaves what was found.
func write(t *testing.T, dir string, list seeds) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "seed-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range list {
		b := bytes.NewBufferString("go test fuzz v1\n")
		for _, arg := range args {
			switch v := arg.(type) {
			case []byte:
				fmt.Fprintf(b, "[]byte(%q)\n", v)
			case byte:
				fmt.Fprintf(b, "byte(%q)\n", v)
			default:
				fmt.Fprintf(b, "%T(%v)\n", v, v)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "seed-"+name), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// setup is what machineConfigs reads, and newTalk behind its first bit.
type setup struct {
	suite       int // of both lists the first
	keyLog      bool
	versions    int // 0: TLS 1.3; 1: that and TLS 1.2; 2 and 3: one side has TLS 1.2 alone
	alpn        bool
	strict      bool
	certSchemes bool
	retry       bool // a HelloRetryRequest
	auth        int  // 0: none; 1: optional; 2: required
	certificate bool // of the client
	plain       bool // no middlebox compatibility mode
	staple      bool
	verify      bool
	server      int // questions of the server
	client      int // and of the client
}

const allQuestions = 1<<7 - 1

func (s setup) number() uint32 {
	n, at := uint32(0), 0
	put := func(v, width int) {
		n |= uint32(v) << at
		at += width
	}
	flag := func(b bool) { put(int(flagByte(b)), 1) }
	put(s.suite, 2)
	flag(s.keyLog)
	put(s.versions, 2)
	flag(s.alpn)
	flag(s.strict)
	flag(s.certSchemes)
	flag(s.retry)
	put(s.auth, 2)
	flag(s.certificate)
	flag(s.plain)
	flag(s.staple)
	flag(s.verify)
	put(s.server, 7)
	put(s.client, 7)
	return n
}

// as returns the number for newTalk, in which the Conn is the client or the server.
func (s setup) as(client bool) uint32 { return s.number()<<1 | uint32(flagByte(client)) }

func flagByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// setups are handshakes that differ in kind.
var setups = map[string]setup{
	"plain":          {},
	"retry":          {suite: 1, alpn: true, retry: true, plain: true},
	"client-auth":    {suite: 2, keyLog: true, auth: 2, certificate: true, verify: true, certSchemes: true},
	"no-certificate": {auth: 1, staple: true, strict: true},
	"hooks":          {auth: 2, certificate: true, staple: true, verify: true, server: allQuestions, client: allQuestions},
	"tls12-ecdhe":    {versions: 2, alpn: true, keyLog: true},
	"tls12-cbc":      {suite: 1, versions: 3, auth: 2, certificate: true, verify: true},
	"tls12-rsa":      {suite: 3, versions: 2, staple: true, server: allQuestions},
	"tls12-hooks":    {suite: 2, versions: 3, auth: 1, certificate: true, strict: true, server: allQuestions, client: allQuestions},
}

// join makes one script of parts: numbers, strings and byte slices.
func join(parts ...any) (out []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			out = append(out, byte(p))
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}

func repeat(b byte, n int) []byte { return []byte(strings.Repeat(string([]byte{b}), n)) }
