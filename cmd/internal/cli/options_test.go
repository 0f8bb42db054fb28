package cli

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// parse reads a command line of all shared options.
func parse(t *testing.T, line string) (*Options, error) {
	t.Helper()
	o := new(Options)
	f := NewFlags("prog", "", "")
	f.Group("All")
	o.AddPolicy(f)
	o.AddALPN(f)
	o.AddRoots(f, "")
	o.AddKeys(f)
	o.AddOutput(f)
	_, _, err := f.Parse(strings.Fields(line))
	return o, err
}

func TestSharedOptions(t *testing.T) {
	for _, c := range []struct {
		line string
		want Options
	}{
		{"", Options{Policy: "default", Limits: Limits{Handshake: time.Minute}}},
		{"--timeout 2.5", Options{Policy: "default", Limits: Limits{2500 * time.Millisecond, 2500 * time.Millisecond}}},
		{"--timeout 0", Options{Policy: "default"}},
		{"--ciphers 20240503 --groups x25519,SECP256R1,0x11ec --schemes ed25519",
			Options{Policy: "20240503", Limits: Limits{Handshake: time.Minute}, Schemes: []iana.SignatureScheme{iana.Ed25519},
				Groups: []iana.Group{iana.X25519, iana.Secp256r1, iana.X25519MLKEM768}}},
		{"--alpn h2,http/1.1 --async 3 --async-delay 1ms --json --trace --trace-html t --key-log k --insecure --ca-file f --ca-dir d",
			Options{Policy: "default", Limits: Limits{Handshake: time.Minute}, ALPN: []string{"h2", "http/1.1"}, Async: 3, AsyncDelay: time.Millisecond,
				JSON: true, Trace: true, TraceHTML: "t", KeyLog: "k", Insecure: true, CAFile: "f", CADir: "d"}},
	} {
		o, err := parse(t, c.line)
		if err != nil || !reflect.DeepEqual(*o, c.want) {
			t.Errorf("%q gives %+v, %v", c.line, *o, err)
		}
	}
	for line, want := range map[string]int{
		"": 0, "--async 2": 2, "--pkcs11-uri pkcs11:": 4, "--pkcs11-module m --async 0": 0, "--async 7 --pin-file f": 7,
	} {
		if o, err := parse(t, line); err != nil || o.Workers() != want {
			t.Errorf("%q gives %d workers, %v", line, o.Workers(), err)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"--ciphers nonesuch", `--ciphers "nonesuch": policy: unknown security policy`},
		{"--groups x25519,x25518", `--groups "x25519,x25518": no such name: "x25518"; there are X25519MLKEM768, `},
		{"--groups x25519,0x001d", `--groups "x25519,0x001d": x25519 stands there twice`},
		{"--schemes 0xfffff", `--schemes "0xfffff": no such name: "0xfffff"; there are ecdsa_secp256r1_sha256, `},
		{"--alpn h2,,h3", `--alpn "h2,,h3": an empty name in the list`},
	} {
		if _, err := parse(t, c.line); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q gives %v, not %s", c.line, err, c.want)
		}
	}
}

// Every group and scheme that a policy names can be given by name.
func TestNamesOfPolicies(t *testing.T) {
	for _, name := range policy.Names() {
		p, err := policy.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range p.Groups() {
			if !slices.Contains(knownGroups, g) {
				t.Errorf("--groups does not know %v", g)
			}
		}
		for _, s := range p.SignatureSchemes {
			if !slices.Contains(knownSchemes, s) {
				t.Errorf("--schemes does not know %v", s)
			}
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want int // -1 = refused
	}{
		{"0", 0}, {"17", 17}, {"2k", 2048}, {"3M", 3 << 20}, {"1G", 1 << 30},
		{"2G", -1}, {"", -1}, {"-1", -1}, {"k", -1}, {"1.5k", -1}, {"99999999999999999999", -1},
	} {
		got, err := ParseSize(c.text)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%q is %d, %v", c.text, got, err)
		}
	}
}

func TestPolicies(t *testing.T) {
	var b bytes.Buffer
	o := Options{ListPolicies: true}
	if done, err := o.PrintPolicies(&b); !done || err != nil || b.String() != strings.Join(policy.Names(), "\n")+"\n" {
		t.Errorf("done %v, %v: %.100q", done, err, b.String())
	}
	b.Reset()
	o = Options{ShowPolicy: "DEFAULT"}
	if done, err := o.PrintPolicies(&b); !done || err != nil || !strings.HasPrefix(b.String(), "name: default\n") {
		t.Errorf("done %v, %v: %.100q", done, err, b.String())
	}
	o = Options{ShowPolicy: "nonesuch"}
	if done, err := o.PrintPolicies(&b); !done || err == nil {
		t.Errorf("done %v, %v", done, err)
	}
	o = Options{}
	if done, err := o.PrintPolicies(&b); done || err != nil {
		t.Errorf("done %v, %v", done, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var roots [][]byte
	var parsed []*x509.Certificate
	for _, kind := range []testpeer.KeyKind{testpeer.KeyP256, testpeer.KeyRSAPSS2048} {
		a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("files"), Key: kind})
		if err != nil {
			t.Fatal(err)
		}
		roots, parsed = append(roots, a.RootPEM()), append(parsed, a.Root())
	}
	both := write("both.pem", slices.Concat(roots...))
	write("roots/1.pem", roots[0])
	write("roots/2.pem", roots[1])
	write("roots/README", []byte("not a certificate\n"))
	none := write("none/README", []byte("not a certificate\n"))

	for _, c := range []struct{ file, dir, says string }{
		{file: both},
		{dir: dir + "/roots"},
		{file: both, dir: dir + "/roots"},
		{file: none, says: "no certificate in PEM"},
		{file: dir + "/missing", says: "missing: no such file"},
		{dir: dir + "/none", says: "no file in it holds a certificate"},
		{dir: dir + "/missing", says: "missing: no such file"},
	} {
		pool, err := LoadRoots(c.file, c.dir)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%+v gives %v", c, err)
		case c.says == "":
			for _, root := range parsed {
				if _, err := root.Verify(x509.VerifyOptions{Roots: pool}); err != nil {
					t.Errorf("%+v lacks a root: %v", c, err)
				}
			}
		case err == nil || !strings.Contains(err.Error(), c.says):
			t.Errorf("%+v gives %v", c, err)
		}
	}
	if pool, err := LoadRoots("", ""); pool != nil || err != nil {
		t.Errorf("no files give %v, %v", pool, err)
	}

	for _, c := range []struct {
		load func(string) ([]byte, error)
		text string
		says string
	}{
		{LoadOCSP, "\x30\x03\x0a\x01\x00", ""},
		{LoadOCSP, "-----BEGIN OCSP RESPONSE-----\n", "not an OCSP response in DER"},
		{LoadOCSP, "", "not an OCSP response in DER"},
		{LoadSCTs, "\x00\x03\x00\x01x", ""},
		{LoadSCTs, "\x00\x04\x00\x01x", "not a SignedCertificateTimestampList"},
		{LoadSCTs, "\x00", "not a SignedCertificateTimestampList"},
	} {
		got, err := c.load(write("staple", []byte(c.text)))
		switch {
		case c.says == "" && (err != nil || string(got) != c.text):
			t.Errorf("%q gives %q, %v", c.text, got, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q gives %v", c.text, err)
		}
	}
}

func TestPairs(t *testing.T) {
	dir := t.TempDir()
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("pairs")})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := a.Issue(testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := issued.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	cert, key, ca := dir+"/cert.pem", dir+"/key.pem", dir+"/ca.pem"
	for _, c := range []struct {
		certs, keys []string
		says        string
	}{
		{nil, nil, ""},
		{[]string{cert}, []string{key}, ""},
		{[]string{cert, cert}, []string{key, key}, ""},
		{[]string{cert, cert}, []string{key}, "--cert " + cert + ": needs a --key behind it, or --pkcs11-uri"},
		{[]string{cert}, []string{key, key}, "--key " + key + ": needs a --cert before it"},
		{[]string{ca}, []string{key}, "does not match"},
		{[]string{dir + "/missing"}, []string{key}, "no such file"},
	} {
		o := Credentials{Certs: c.certs, Keys: c.keys}
		list, _, err := o.load(0)
		switch {
		case c.says == "" && (err != nil || len(list) != len(c.certs)):
			t.Errorf("%v, %v give %d certificates, %v", c.certs, c.keys, len(list), err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%v, %v give %v", c.certs, c.keys, err)
		}
	}
}
