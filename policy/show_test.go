package policy

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

var update = flag.Bool("update", false, "write the golden files in testdata/show anew")

func TestTextOfAPolicy(t *testing.T) {
	for _, name := range []string{
		"s2ngo_default",       // ed25519
		"CloudFront-SSL-v-3",  // a minimum below TLS 1.2, RC4
		"default_pq",          // ML-DSA
		"20250429",            // restrictions on certificates that apply locally, FIPS
		"20251116",            // strongly preferred groups
		"20240603",            // ChaCha20 boosting
		"20200207",            // no suite below TLS 1.3, schemes that sign nothing
		"20240417",            // schemes that sign in TLS 1.2 only
		"cnsa_2",              // no curves
		"KMS-TLS-1-0-2018-10", // TLS 1.2 only
	} {
		p, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/show/" + name + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(p.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.String(); got != string(want) {
			t.Errorf("%s is shown as\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestTextNamesEveryEntryOfEveryPolicy(t *testing.T) {
	for _, name := range Names() {
		p, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		text := p.String()
		if !strings.HasPrefix(text, "name: "+name+"\n") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s is shown as\n%s", name, text)
		}
		want := make(map[string]int)
		count := func(entries []string) {
			for _, e := range entries {
				want[e]++
			}
		}
		count(strs(p.CipherSuites))
		count(strs(p.SignatureSchemes))
		count(strs(p.CertificateSignatureSchemes))
		count(strs(p.CertificateKeys))
		count(strs(p.Curves))
		count(strs(p.KEMGroups))
		count(strs(p.StronglyPreferredGroups))
		for line := range strings.Lines(text) {
			if entry, ok := strings.CutPrefix(line, "- "); ok {
				entry, _, _ = strings.Cut(strings.TrimSpace(entry), " ")
				want[strings.TrimSuffix(entry, ":")]-- // the rules end in a colon
			}
		}
		delete(want, FIPS140_3.String())
		delete(want, PerfectForwardSecrecy.String())
		for entry, n := range want {
			if n != 0 {
				t.Errorf("%s: %s is missing %d times in\n%s", name, entry, n, text)
			}
		}
	}
}

func TestTextOfAPolicyThatNegotiatesNothing(t *testing.T) {
	p := &Policy{MinVersion: iana.SSL30, MaxVersion: iana.TLS11, CipherSuites: []iana.CipherSuite{0xabcd}, SignatureSchemes: []iana.SignatureScheme{0x0807}}
	for _, line := range []string{
		"name: none\n",
		"min version: SSLv3 (no version is negotiated)\n",
		"- 0xabcd (never negotiated)\n",
		"- ed25519 (never negotiated)\n",
		"certificate keys: any\n",
		"curves: none\n",
	} {
		if !strings.Contains(p.String(), line) {
			t.Errorf("%q is missing in\n%s", line, p)
		}
	}
	p.CertificateKeys = []CertificateKey{}
	if !strings.Contains(p.String(), "certificate keys: none\n") {
		t.Errorf("an empty restriction allows nothing, but is shown as\n%s", p)
	}
}

func TestTextOfAPolicyOfTLS12WithMLDSA(t *testing.T) {
	p := &Policy{MinVersion: iana.TLS12, MaxVersion: iana.TLS12, CipherSuites: []iana.CipherSuite{rsa128},
		SignatureSchemes: []iana.SignatureScheme{iana.MLDSA44, iana.RSAPKCS1SHA256}}
	if want := "- mldsa44 (never negotiated)\n- rsa_pkcs1_sha256\n"; !strings.Contains(p.String(), want) {
		t.Errorf("%q is missing in\n%s", want, p)
	}
}

func TestWriteTo(t *testing.T) {
	p, err := Lookup(Default)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if n, err := p.WriteTo(&b); err != nil || n != int64(b.Len()) || b.String() != p.String() {
		t.Errorf("wrote %d bytes, %v:\n%s", n, err, &b)
	}
	full := errors.New("disk full")
	if n, err := p.WriteTo(writerFunc(func([]byte) (int, error) { return 7, full })); n != 7 || !errors.Is(err, full) {
		t.Errorf("wrote %d bytes, %v, want 7, %v", n, err, full)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
