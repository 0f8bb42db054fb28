package kex

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/testvectors"
)

// unsafePrime is a prime of 1024 bits, the least above 2^1023 for which p-1 is divisible by
// 6 and not by 4.
func unsafePrime() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 1023)
	return p.Add(p, big.NewInt(1583))
}

// mustGroup returns the group of p and g.
func mustGroup(t testing.TB, p *big.Int, g int64) *DHParams {
	t.Helper()
	d, err := NewDHParams(p.Bytes(), big.NewInt(g).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mustDHKey returns a key of d and its public value.
func mustDHKey(t testing.TB, d *DHParams) (*DHKey, []byte) {
	t.Helper()
	k, err := d.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k, k.AppendPublic(nil)
}

// dhGroups returns the groups of RFC 7919, a safe prime that is none of them, and a prime that
// is not safe.
func dhGroups(t testing.TB) []*DHParams {
	t.Helper()
	var all []*DHParams
	for _, row := range ffdhe {
		all = append(all, LookupFFDHE(row.id))
	}
	d, err := ParsePKCS3([]byte(safe1024))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, d, mustGroup(t, unsafePrime(), 2))
}

// The primes are those of the formula in RFC 7919, Appendix A, with e computed here.
func TestFFDHEPrimesAreThoseOfTheFormula(t *testing.T) {
	rows := []struct {
		id   iana.Group
		bits uint
		x    int64
	}{
		{iana.FFDHE2048, 2048, 560316},
		{iana.FFDHE3072, 3072, 2625351},
		{iana.FFDHE4096, 4096, 5736041},
		{iana.FFDHE6144, 6144, 15705020},
		{iana.FFDHE8192, 8192, 10965728},
	}
	for i, row := range rows {
		// e is the sum of 1/k!; 64 bits more than are wanted take the errors of rounding.
		e, term := new(big.Int), new(big.Int).Lsh(big.NewInt(1), row.bits-130+64)
		for k := int64(1); term.Sign() > 0; k++ {
			e.Add(e, term)
			term.Quo(term, big.NewInt(k))
		}
		e.Rsh(e, 64)
		p := e.Add(e, big.NewInt(row.x))
		p.Lsh(p, 64).Sub(p, big.NewInt(1))
		p.Add(p, new(big.Int).Lsh(big.NewInt(1), row.bits))
		p.Sub(p, new(big.Int).Lsh(big.NewInt(1), row.bits-64))

		d := LookupFFDHE(row.id)
		if d.Group() != row.id || d.BitLen() != int(row.bits) || !bytes.Equal(d.P(), p.Bytes()) || !bytes.Equal(d.G(), []byte{2}) {
			t.Errorf("%v is not what the formula gives: %x", row.id, p)
		}
		if ffdhe[i].id != row.id || ffdhe[i].bits != d.BitLen() {
			t.Errorf("row %d of the table is %v with %d bits", i, ffdhe[i].id, ffdhe[i].bits)
		}
		if row.bits <= 3072 && (!p.ProbablyPrime(0) || !p.Rsh(p, 1).ProbablyPrime(0)) { // more takes too long
			t.Errorf("%v is not a safe prime", row.id)
		}
	}
	for _, g := range []iana.Group{0, iana.X25519, 0x00ff, 0x0105, 0x01fc} {
		if LookupFFDHE(g) != nil {
			t.Errorf("%v is a group", g)
		}
	}
}

func TestRecognize(t *testing.T) {
	for _, row := range ffdhe {
		p := LookupFFDHE(row.id).P()
		last := len(p) - 1
		for _, c := range []struct {
			what string
			p, g []byte
			want bool
		}{
			{"as it is", p, []byte{2}, true},
			{"with leading zeros", append([]byte{0, 0}, p...), []byte{0, 0, 2}, true},
			{"with generator 5", p, []byte{5}, false},
			{"with a generator of two bytes", p, []byte{2, 0}, false},
			{"without a generator", p, nil, false},
			{"with another last byte", with(p, last, 0xfd), []byte{2}, false},
			{"with another first byte", with(p, 0, 0x7f), []byte{2}, false},
			{"with a byte more", append(bytes.Clone(p), 0xff), []byte{2}, false},
			{"with a byte less", p[:last], []byte{2}, false},
		} {
			id, ok := Recognize(c.p, c.g)
			if ok != c.want || ok != (id == row.id) || !ok && id != 0 {
				t.Errorf("%v %s: %v, %t", row.id, c.what, id, ok)
			}
		}
	}
	if id, ok := Recognize(nil, nil); ok {
		t.Errorf("nothing is %v", id)
	}
}

// OpenSSL's agreements come out here too, on both sides, with and without zeros in front of
// the public values.
func TestFFDHEAgreementsOfOpenSSL(t *testing.T) {
	trace, err := testvectors.FFDHE()
	if err != nil {
		t.Fatal(err)
	}
	var seen []iana.Group
	for _, s := range trace {
		var d *DHParams
		for _, row := range ffdhe {
			if strings.HasPrefix(s.What, row.id.String()) {
				d = LookupFFDHE(row.id)
				seen = append(seen, row.id)
			}
		}
		client, server, secret := s.Value("client public value"), s.Value("server public value"), s.Value("secret")
		for _, side := range []struct {
			who          string
			exponent     []byte
			public, peer []byte
		}{
			{"client", s.Value("client exponent"), client, server},
			{"server", s.Value("server exponent"), server, client},
		} {
			for _, peer := range [][]byte{side.peer, trimZeros(side.peer), append(make([]byte, 3), side.peer...)} {
				k := d.newKey(bytes.Clone(side.exponent))
				if got := k.AppendPublic(nil); !bytes.Equal(got, side.public) {
					t.Errorf("%s: public value of the %s is %x, want %x", s.What, side.who, got, side.public)
				}
				if got, err := k.Shared(nil, peer); err != nil || !bytes.Equal(got, secret) {
					t.Errorf("%s: the %s has %x, %v, want %x", s.What, side.who, got, err, secret)
				}
			}
		}
	}
	want := []iana.Group{iana.FFDHE2048, iana.FFDHE3072, iana.FFDHE4096, iana.FFDHE6144, iana.FFDHE8192, iana.FFDHE2048}
	if !slices.Equal(seen, want) {
		t.Errorf("agreements in %v, want %v", seen, want)
	}
}

// Two keys of production randomness have one secret, which is also that of math/big.
func TestDHAgreement(t *testing.T) {
	for _, d := range dhGroups(t) {
		ours, ourPublic := mustDHKey(t, d)
		theirs, theirPublic := mustDHKey(t, d)
		if bytes.Equal(ourPublic, theirPublic) {
			t.Fatalf("%d bits: two keys are one", d.BitLen())
		}
		if n := len(d.P()); len(ourPublic) != n || len(theirPublic) != n {
			t.Errorf("%d bits: public values of %d and %d bytes", d.BitLen(), len(ourPublic), len(theirPublic))
		}
		p, x := new(big.Int).SetBytes(d.P()), new(big.Int).SetBytes(ours.exponent)
		want := new(big.Int).Exp(new(big.Int).SetBytes(theirPublic), x, p).Bytes()
		if y := new(big.Int).Exp(new(big.Int).SetBytes(d.G()), x, p); !bytes.Equal(y.FillBytes(make([]byte, len(d.P()))), ourPublic) {
			t.Errorf("%d bits: public value %x, want %x", d.BitLen(), ourPublic, y)
		}
		a, err := ours.Shared([]byte("before"), theirPublic)
		if err != nil {
			t.Fatal(err)
		}
		b, err := theirs.Shared([]byte("before"), ourPublic)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) || !bytes.Equal(a, append([]byte("before"), want...)) {
			t.Errorf("%d bits: secrets %x and %x, want %x", d.BitLen(), a, b, want)
		}
	}
}

// The length of an exponent is that of RFC 7919 in safe primes, and that of the group in
// others; its highest bit is set, and it comes from rand alone.
func TestDHExponents(t *testing.T) {
	want := []int{232, 280, 328, 376, 400, 232, 1023}
	for i, d := range dhGroups(t) {
		for seed := range byte(8) {
			k, err := d.Generate(stream(seed))
			if err != nil {
				t.Fatal(err)
			}
			again, err := d.Generate(stream(seed))
			if err != nil {
				t.Fatal(err)
			}
			if n := new(big.Int).SetBytes(k.exponent).BitLen(); n != want[i] || len(k.exponent) != (n+7)/8 {
				t.Errorf("%d bits: exponent of %d bits in %d bytes, want %d", d.BitLen(), n, len(k.exponent), want[i])
			}
			if !bytes.Equal(k.exponent, again.exponent) || !bytes.Equal(k.public, again.public) {
				t.Errorf("%d bits: one stream gives two keys", d.BitLen())
			}
			other, err := d.Generate(stream(seed + 100))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(k.exponent, other.exponent) {
				t.Errorf("%d bits: two streams give one key", d.BitLen())
			}
			if d.BitLen() > 3072 {
				break // which is enough, and takes long
			}
		}
		if _, err := d.Generate(bytes.NewReader(make([]byte, 5))); err == nil || !strings.Contains(err.Error(), "bytes of randomness") {
			t.Errorf("%d bits: a short stream gives %v", d.BitLen(), err)
		}
	}
}

func TestDHRefusals(t *testing.T) {
	for _, d := range dhGroups(t) {
		p := new(big.Int).SetBytes(d.P())
		above := func(n int64) []byte { return new(big.Int).Add(p, big.NewInt(n)).Bytes() }
		name := fmt.Sprintf("of %d bits", d.BitLen())
		if d.Group() != 0 {
			name = d.Group().String()
		}
		for _, c := range []struct {
			what   string
			value  []byte
			reason string // "" if it is taken
		}{
			{"nothing", nil, "is 0"},
			{"0", []byte{0}, "is 0"},
			{"0 as long as the prime", make([]byte, len(d.P())), "is 0"},
			{"0 longer than the prime", make([]byte, len(d.P())+1), "is 0"},
			{"1", []byte{1}, "is 1"},
			{"1 as long as the prime", append(make([]byte, len(d.P())-1), 1), "is 1"},
			{"2", []byte{2}, ""},
			{"p-2", above(-2), ""},
			{"p-1", above(-1), "is the prime minus 1"},
			{"p-1 behind a zero", append([]byte{0}, above(-1)...), "is the prime minus 1"},
			{"p", above(0), "is not below the prime"},
			{"p+1", above(1), "is not below the prime"},
			{"p+2", above(2), "is not below the prime"},
			{"all ones", bytes.Repeat([]byte{0xff}, len(d.P())), "is not below the prime"},
			{"a byte more", append([]byte{1}, d.P()...), "is not below the prime"},
			{"a byte more and a small value", append([]byte{2}, make([]byte, len(d.P()))...), "is not below the prime"},
			{"64 kB", bytes.Repeat([]byte{0xff}, 1<<16-1), "is not below the prime"},
		} {
			k := d.newKey([]byte{5}) // short, so that this is quick
			got, err := k.Shared([]byte("before"), c.value)
			if c.reason == "" {
				if err != nil {
					t.Errorf("%s: %s: %v", name, c.what, err)
				}
				continue
			}
			var wrong *DHError
			if !errors.As(err, &wrong) || wrong.Alert() != iana.HandshakeFailure || wrong.Group != d.Group() || wrong.Bits != d.BitLen() {
				t.Errorf("%s: %s: %#v", name, c.what, err)
				continue
			}
			if want := "kex: DH group " + name + ": peer's public value " + c.reason; err.Error() != want {
				t.Errorf("%s: %q, want %q", c.what, err, want)
			}
			if string(got) != "before" {
				t.Errorf("%s: %s: %d bytes beside the error", name, c.what, len(got))
			}
		}
	}
}

// Where the prime is not a safe one, elements of small order are left, which give 1 or p-1
// with one exponent or another. The secret is refused then, and only then.
func TestDHSmallOrder(t *testing.T) {
	p := unsafePrime()
	d := mustGroup(t, p, 2)
	minusOne := new(big.Int).Sub(p, big.NewInt(1))
	order3 := new(big.Int).Exp(big.NewInt(2), new(big.Int).Quo(minusOne, big.NewInt(3)), p)
	for g := int64(3); order3.Cmp(big.NewInt(1)) == 0; g++ {
		order3.Exp(big.NewInt(g), new(big.Int).Quo(minusOne, big.NewInt(3)), p)
	}
	order6 := new(big.Int).Sub(p, order3)
	for _, c := range []struct {
		what     string
		peer     *big.Int
		exponent byte
		taken    bool
	}{
		{"order 3, exponent 9", order3, 9, false},
		{"order 3, exponent 10", order3, 10, true},
		{"order 6, exponent 12", order6, 12, false},
		{"order 6, exponent 9: p-1", order6, 9, false},
		{"order 6, exponent 7", order6, 7, true},
	} {
		_, err := d.newKey([]byte{c.exponent}).Shared(nil, c.peer.Bytes())
		var wrong *DHError
		if c.taken != (err == nil) || err != nil && (!errors.As(err, &wrong) || !strings.HasSuffix(err.Error(), "peer's public value gives no secret")) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// A key that has been used once, or cleared, is of no use any more, but what is public of it
// stays.
func TestDHKeyIsGoodForOneExchange(t *testing.T) {
	d := LookupFFDHE(iana.FFDHE2048)
	_, peer := mustDHKey(t, d)

	used, public := mustDHKey(t, d)
	exponent := used.exponent
	if _, err := used.Shared(nil, peer); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(exponent, make([]byte, len(exponent))) {
		t.Errorf("the exponent is still there: %x", exponent)
	}
	cleared, _ := mustDHKey(t, d)
	exponent = cleared.exponent
	cleared.Clear()
	cleared.Clear()
	if !bytes.Equal(exponent, make([]byte, len(exponent))) {
		t.Errorf("the exponent is still there: %x", exponent)
	}
	for name, k := range map[string]*DHKey{"used": used, "cleared": cleared} {
		if got, err := k.Shared([]byte("before"), peer); !errors.Is(err, errCleared) || string(got) != "before" {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	if got := used.AppendPublic([]byte("before")); string(got) != "before"+string(public) {
		t.Error("the public value is another one after its use")
	}
}

func TestDHKeyPrintsAsSecret(t *testing.T) {
	k, _ := mustDHKey(t, LookupFFDHE(iana.FFDHE2048))
	for _, got := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), slog.AnyValue(k).Resolve().String()} {
		if strings.TrimSpace(strings.ReplaceAll(got, "secret", "")) != "" {
			t.Errorf("prints as %s", got)
		}
	}
}

func TestDHEUsable(t *testing.T) {
	if DHEUsable() == fips140.Enabled() {
		t.Errorf("DHE is usable: %t, in FIPS mode: %t", DHEUsable(), fips140.Enabled())
	}
}

// FuzzDHPublicValue has Shared take and give what math/big says.
func FuzzDHPublicValue(f *testing.F) {
	d := LookupFFDHE(iana.FFDHE2048)
	p := new(big.Int).SetBytes(d.P())
	minusOne := new(big.Int).Sub(p, big.NewInt(1))
	for _, v := range [][]byte{nil, {0}, {1}, {2}, d.P(), minusOne.Bytes(), append([]byte{0}, d.P()...), bytes.Repeat([]byte{7}, 256)} {
		f.Add([]byte{3}, v)
	}
	f.Fuzz(func(t *testing.T, exponent, value []byte) {
		if len(exponent) == 0 || len(exponent) > 32 || exponent[0] == 0 {
			return
		}
		y, x := new(big.Int).SetBytes(value), new(big.Int).SetBytes(exponent)
		got, err := d.newKey(bytes.Clone(exponent)).Shared(nil, value)
		if taken := y.Cmp(big.NewInt(1)) > 0 && y.Cmp(minusOne) < 0; taken != (err == nil) {
			t.Fatalf("%x: %v", value, err)
		}
		if want := new(big.Int).Exp(y, x, p).Bytes(); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%x to the %x is %x, want %x", value, exponent, got, want)
		}
	})
}
