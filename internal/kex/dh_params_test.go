package kex

import (
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// safe1024 is what "openssl dhparam 1024" has made.
const safe1024 = `-----BEGIN DH PARAMETERS-----
MIGHAoGBAIpAJUKZ52k0JLDNh8eAwIFlzx/k1DtRCNvVxbdmxGqUVxdeLgm1wZ04
xz0gLW0UG0NmSgZ0rwaN+3Yvgdk0BbmQTQQMxLIdPkePePvrylAi3mgkwptp48Lb
496Nyo8qfqZz+DZJIGU5MYoovC3rNg3NiYeW+aw8+C8o6pUIJ7NnAgEC
-----END DH PARAMETERS-----
`

// paramsPEM returns DH PARAMETERS of these numbers.
func paramsPEM(t testing.TB, numbers ...*big.Int) string {
	t.Helper()
	der, err := asn1.Marshal(numbers)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der}))
}

func named(id iana.Group) *big.Int { return new(big.Int).SetBytes(LookupFFDHE(id).P()) }

func TestNewDHParams(t *testing.T) {
	p := unsafePrime()
	plus := func(n int64) *big.Int { return new(big.Int).Add(p, big.NewInt(n)) }
	shifted := func(n uint) *big.Int { return new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), n), 0, 1) }
	two := big.NewInt(2)
	for _, c := range []struct {
		what string
		p, g *big.Int
		want string // "" if they are taken
	}{
		{"a prime of 1024 bits", p, two, ""},
		{"generator p-2", p, plus(-2), ""},
		{"ffdhe2048 with generator 5", named(iana.FFDHE2048), big.NewInt(5), ""},
		{"nothing", new(big.Int), new(big.Int), "of 0 bits: prime has less than 1024 bits"},
		{"a prime of 521 bits", new(big.Int).Sub(shifted(521), two), two, "of 521 bits: prime has less than 1024 bits"},
		{"1023 bits", shifted(1022), two, "of 1023 bits: prime has less than 1024 bits"},
		{"8193 bits", shifted(8192), two, "of 8193 bits: prime has more than 8192 bits"},
		{"generator 0", p, new(big.Int), "of 1024 bits: generator is not in 2 to p-2"},
		{"generator 1", p, big.NewInt(1), "of 1024 bits: generator is not in 2 to p-2"},
		{"generator p-1", p, plus(-1), "of 1024 bits: generator is not in 2 to p-2"},
		{"generator p", p, p, "of 1024 bits: generator is not in 2 to p-2"},
		{"generator above p", p, shifted(4096), "of 1024 bits: generator is not in 2 to p-2"},
		{"an even number", plus(1), two, "of 1024 bits: modulus is not a prime"},
		{"an odd number", plus(2), two, "of 1024 bits: modulus is not a prime"},
		{"a product of two primes", new(big.Int).Mul(p, named(iana.FFDHE2048)), two, "of 3071 bits: modulus is not a prime"},
	} {
		d, err := NewDHParams(c.p.Bytes(), c.g.Bytes())
		peer, peerErr := AcceptDHParams(c.p.Bytes(), c.g.Bytes(), 0)
		if c.want == "" {
			if err != nil || d.Group() != 0 || new(big.Int).SetBytes(d.P()).Cmp(c.p) != 0 || new(big.Int).SetBytes(d.G()).Cmp(c.g) != 0 {
				t.Errorf("%s: %v", c.what, err)
			}
			if peerErr != nil || peer.exponentBits != d.exponentBits {
				t.Errorf("%s, of a server: %v", c.what, peerErr)
			}
			continue
		}
		alert := iana.IllegalParameter
		if strings.Contains(c.want, "less than") {
			alert = iana.InsufficientSecurity
		}
		for _, err := range []error{err, peerErr} {
			var wrong *DHError
			if !errors.As(err, &wrong) || err.Error() != "kex: DH group "+c.want || wrong.Alert() != alert {
				t.Errorf("%s: %v, want %s", c.what, err, c.want)
			}
		}
	}
}

// What the caller passes is his own again when the call is over, and zeros in front of it do
// not matter.
func TestNewDHParamsCopies(t *testing.T) {
	p, g := append([]byte{0}, unsafePrime().Bytes()...), []byte{0, 2}
	d, err := NewDHParams(p, g)
	if err != nil {
		t.Fatal(err)
	}
	clear(p)
	clear(g)
	if new(big.Int).SetBytes(d.P()).Cmp(unsafePrime()) != 0 || len(d.P()) != 128 || len(d.G()) != 1 || d.G()[0] != 2 {
		t.Errorf("P %x, G %x", d.P(), d.G())
	}
}

func TestAcceptDHParams(t *testing.T) {
	custom, g := unsafePrime().Bytes(), []byte{2}
	first, err := AcceptDHParams(custom, g, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := AcceptDHParams(named(iana.FFDHE3072).Bytes(), g, 3072); err != nil || d != LookupFFDHE(iana.FFDHE3072) {
		t.Errorf("ffdhe3072: %v", err)
	}
	if again, err := AcceptDHParams(append([]byte{0}, custom...), append([]byte{0}, g...), 1024); err != nil || again != first {
		t.Errorf("the group accepted last is tested once more: %v", err)
	}
	if again, err := AcceptDHParams(custom, []byte{3}, 1024); err != nil || again == first || again.G()[0] != 3 {
		t.Errorf("another generator: %v", err)
	}
	for _, c := range []struct {
		p       []byte
		minBits int
		want    string
	}{
		{custom, 1025, "of 1024 bits: prime has less than 1025 bits"}, // remembered or not
		{named(iana.FFDHE2048).Bytes(), 3072, "of 2048 bits: prime has less than 3072 bits"},
		{named(iana.FFDHE2048).Bytes()[:96], 0, "of 768 bits: prime has less than 1024 bits"},
	} {
		_, err := AcceptDHParams(c.p, g, c.minBits)
		var wrong *DHError
		if !errors.As(err, &wrong) || wrong.Alert() != iana.InsufficientSecurity || err.Error() != "kex: DH group "+c.want {
			t.Errorf("at least %d bits: %v, want %s", c.minBits, err, c.want)
		}
	}
}

func TestParsePKCS3(t *testing.T) {
	p, two := unsafePrime(), big.NewInt(2)
	block := func(der string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte(der)}))
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}}))
	for _, c := range []struct {
		what, text string
		bits       int
		group      iana.Group
		want       string // "" if they are taken
	}{
		{"of openssl dhparam", safe1024, 1024, 0, ""},
		{"behind text and a certificate", "DH Parameters: (1024 bit)\n" + certificate + safe1024, 1024, 0, ""},
		{"before another one", paramsPEM(t, p, two) + safe1024, 1024, 0, ""},
		{"with the length of the exponent", paramsPEM(t, p, two, big.NewInt(1000)), 1024, 0, ""},
		{"of a group of RFC 7919", paramsPEM(t, named(iana.FFDHE4096), two, big.NewInt(325)), 4096, iana.FFDHE4096, ""},
		{"an empty file", "", 0, 0, "kex: no DH PARAMETERS in the PEM data"},
		{"a certificate alone", certificate, 0, 0, "kex: no DH PARAMETERS in the PEM data"},
		{"X9.42", strings.ReplaceAll(safe1024, " DH", " X9.42 DH"), 0, 0, "kex: no DH PARAMETERS in the PEM data"},
		{"no contents", block(""), 0, 0, "kex: read DH PARAMETERS: "},
		{"a prime alone", paramsPEM(t, p), 0, 0, "kex: read DH PARAMETERS: "},
		{"bytes left over", block("\x30\x06\x02\x01\x05\x02\x01\x02!"), 0, 0, "kex: read DH PARAMETERS: 1 bytes left over"},
		{"a negative prime", paramsPEM(t, new(big.Int).Neg(p), two), 0, 0, "kex: read DH PARAMETERS: a number is negative"},
		{"a negative generator", paramsPEM(t, p, big.NewInt(-2)), 0, 0, "kex: read DH PARAMETERS: a number is negative"},
		{"small numbers", block("\x30\x06\x02\x01\x05\x02\x01\x02"), 0, 0, "kex: DH group of 3 bits: prime has less than 1024 bits"},
		{"a composite number", paramsPEM(t, new(big.Int).Add(p, two), two), 0, 0, "kex: DH group of 1024 bits: modulus is not a prime"},
	} {
		d, err := ParsePKCS3([]byte(c.text))
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.what, err, c.want)
			}
			continue
		}
		if err != nil || d.BitLen() != c.bits || d.Group() != c.group || d.G()[0] != 2 {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}
