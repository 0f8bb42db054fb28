package iana

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		says string
		v    fmt.Stringer
		want string
	}{
		{"a version", TLS13, "TLSv1.3"},
		{"a version that is never negotiated", SSL30, "SSLv3"},
		{"a version that does not exist", Version(0x0305), "0x0305"},
		{"a GREASE version", Version(0x7a7a), "GREASE(0x7a7a)"},
		{"a suite of TLS 1.3", TLS_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"},
		{"a suite of TLS 1.2", CipherSuite(0xcca9), "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
		{"a signalling value", CipherSuite(0x00ff), "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"},
		{"a suite without a name here", CipherSuite(0x1304), "0x1304"},
		{"a suite of small number keeps its zeros", CipherSuite(0x0001), "0x0001"},
		{"a GREASE suite", CipherSuite(0x0a0a), "GREASE(0x0a0a)"},
		{"a curve", Secp256r1, "secp256r1"},
		{"a hybrid group", X25519MLKEM768, "X25519MLKEM768"},
		{"a group without a name here", Group(0x6399), "0x6399"},
		{"a GREASE group", Group(0xfafa), "GREASE(0xfafa)"},
		{"a scheme", RSAPSSRSAESHA256, "rsa_pss_rsae_sha256"},
		{"a scheme without a registered name", ECDSASHA224, "ecdsa_sha224"},
		{"a scheme without a name here", SignatureScheme(0x0202), "0x0202"},
		{"a GREASE scheme", SignatureScheme(0x5a5a), "GREASE(0x5a5a)"},
		{"an extension", SignatureAlgorithmsCert, "signature_algorithms_cert"},
		{"an extension without a name here", Extension(0xffff), "0xffff"},
		{"a GREASE extension", Extension(0x2a2a), "GREASE(0x2a2a)"},
		{"an alert", NoApplicationProtocol, "no_application_protocol"},
		{"an alert without a name here", Alert(255), "255"},
		{"a message", ClientHello, "client_hello"},
		{"a message without a name here", Message(200), "200"},
		{"a record type", RecordApplicationData, "application_data"},
		{"a record type without a name here", RecordType(0), "0"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("%s: name is %q, want %q", c.says, got, c.want)
		}
	}
}

// TestEachConstantHasAName counts, for each type, the values that String knows and the
// constants in the source: a constant left out of its String, or two with one value or
// one name, make a difference.
func TestEachConstantHasAName(t *testing.T) {
	named := map[string]map[string]int{ // type -> name -> how many values have it
		"Version":         {},
		"CipherSuite":     {},
		"Group":           {},
		"SignatureScheme": {},
		"Extension":       {},
		"Alert":           {},
		"Message":         {},
		"RecordType":      {},
	}
	add := func(typ, name, unnamed string) {
		if name != unnamed {
			named[typ][name]++
		}
	}
	for i := range 1 << 16 {
		v := uint16(i)
		add("Version", Version(v).String(), number(v))
		add("CipherSuite", CipherSuite(v).String(), number(v))
		add("Group", Group(v).String(), number(v))
		add("SignatureScheme", SignatureScheme(v).String(), number(v))
		add("Extension", Extension(v).String(), number(v))
	}
	for i := range 1 << 8 {
		v := uint8(i)
		add("Alert", Alert(v).String(), octet(v))
		add("Message", Message(v).String(), octet(v))
		add("RecordType", RecordType(v).String(), octet(v))
	}

	constants := constantsByType(t)
	for typ, names := range named {
		for name, n := range names {
			if n != 1 {
				t.Errorf("%d values of %s are named %s", n, typ, name)
			}
		}
		if len(names) != len(constants[typ]) {
			t.Errorf("%s has %d names and %d constants: %v", typ, len(names), len(constants[typ]), constants[typ])
		}
	}
	for typ := range constants {
		if named[typ] == nil {
			t.Errorf("this test does not know the type %s", typ)
		}
	}
}

// constantsByType returns the names of the package's constants by the name of their type.
func constantsByType(t *testing.T) map[string][]string {
	t.Helper()
	constants := make(map[string][]string)
	for _, file := range []string{"alert.go", "extension.go", "group.go", "message.go", "record.go", "scheme.go", "suite.go", "version.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, spec := range d.Specs {
					v := spec.(*ast.ValueSpec)
					typ := v.Type.(*ast.Ident).Name
					for _, name := range v.Names {
						constants[typ] = append(constants[typ], name.Name)
					}
				}
			}
			return true
		})
	}
	return constants
}

func TestSixteenValuesAreGREASE(t *testing.T) {
	var grease []uint16
	for i := range 1 << 16 {
		if IsGREASE(uint16(i)) {
			grease = append(grease, uint16(i))
		}
	}
	var want []uint16 // RFC 8701, Section 2
	for i := range uint16(16) {
		want = append(want, 0x0a0a+0x1010*i)
	}
	if !slices.Equal(grease, want) {
		t.Errorf("GREASE values are %#04x, want %#04x", grease, want)
	}
}

func TestIsTLS13(t *testing.T) {
	for i := range 1 << 16 {
		s := CipherSuite(i)
		if name := s.String(); strings.HasPrefix(name, "TLS_") && !strings.HasSuffix(name, "_SCSV") {
			// A suite of TLS 1.3 names no key exchange: there is nothing before a WITH.
			if want := !strings.Contains(name, "_WITH_"); s.IsTLS13() != want {
				t.Errorf("%s: IsTLS13 is %t, want %t", name, !want, want)
			}
		}
	}
	if !CipherSuite(0x13ff).IsTLS13() || CipherSuite(0x1401).IsTLS13() || TLS_FALLBACK_SCSV.IsTLS13() {
		t.Error("IsTLS13 goes by something else than the first byte 0x13")
	}
}

func TestList(t *testing.T) {
	wire := []byte{0x13, 0x01, 0x1a, 0x1a, 0x00, 0x1d}
	l := List[Group](wire)
	if l.Len() != 3 || l.At(0) != 0x1301 || l.At(1) != 0x1a1a || l.At(2) != X25519 {
		t.Errorf("list of %d: %v", l.Len(), l.Slice())
	}
	if !l.Has(X25519) || !l.Has(0x1a1a) || l.Has(Secp256r1) || l.Has(0x011a) {
		t.Error("Has looks elsewhere than at the elements")
	}
	if got, want := l.Slice(), []Group{0x1301, 0x1a1a, X25519}; !slices.Equal(got, want) {
		t.Errorf("slice is %v, want %v", got, want)
	}
	if got := MakeList(l.Slice()...); !slices.Equal(got, l) {
		t.Errorf("wire form is %x, want %x", []byte(got), wire)
	}
	wire[5] = 0x17
	if l.At(2) != Secp256r1 {
		t.Error("a list does not lend its bytes")
	}
}

func TestListAtItsEnds(t *testing.T) {
	for _, c := range []struct {
		says string
		l    List[CipherSuite]
		want []CipherSuite
	}{
		{"nil", nil, nil},
		{"no bytes", List[CipherSuite]{}, nil},
		{"half an element", List[CipherSuite]{0x13}, nil},
		{"an element and a half", List[CipherSuite]{0x13, 0x01, 0x13}, []CipherSuite{TLS_AES_128_GCM_SHA256}},
		{"made of nothing", MakeList[CipherSuite](), nil},
	} {
		if c.l.Len() != len(c.want) || !slices.Equal(c.l.Slice(), c.want) {
			t.Errorf("%s: %d elements, %v, want %v", c.says, c.l.Len(), c.l.Slice(), c.want)
		}
		if c.l.Has(0x1300) || c.l.Has(0x0113) {
			t.Errorf("%s: Has finds half an element", c.says)
		}
	}
}

func TestReadingAListDoesNotAllocate(t *testing.T) {
	l := MakeList(X25519, Secp256r1)
	if n := testing.AllocsPerRun(100, func() {
		if !l.Has(Secp256r1) || l.At(0) != X25519 {
			t.Error("the list is not read")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
