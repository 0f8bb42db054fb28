//go:build !race

package kex

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hexBytes is a byte string in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vector is a test of schemas xdh_comp, ecdh_ecpoint, mlkem, mlkem_encaps and
// mlkem_keygen_seed.
type vector struct {
	TcID                    int
	Comment, Result         string
	Flags                   []string
	Public, Private, Shared hexBytes
	Seed, EK, C, K, M       hexBytes
}

// vectors returns the tests of a file, and fails if they are not as many as want.
func vectors(t *testing.T, file string, want int) []vector {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ TestGroups []struct{ Tests []vector } }
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, g := range v.TestGroups {
		all = append(all, g.Tests...)
	}
	if len(all) != want {
		t.Fatalf("%s has %d tests, want %d", file, len(all), want)
	}
	return all
}

// The race detector is left out of this file: the curves of the standard library take half
// a minute with it, and nothing here runs at the same time as anything else.

func TestWycheproofX25519(t *testing.T) {
	for _, v := range vectors(t, "x25519_test.json", 518) {
		for _, a := range []agreement{circlX25519{}, &stdX25519} {
			// What else is merely acceptable there, points of the twist and unreduced
			// ones, is what RFC 7748 asks for.
			valid := !slices.Contains(v.Flags, "ZeroSharedSecret")
			checkShared(t, fmt.Sprintf("%T #%d (%s)", a, v.TcID, v.Comment), a, v.Private, v.Public, v.Shared, valid)
		}
	}
}

func TestWycheproofECDH(t *testing.T) {
	for _, f := range []struct {
		c     *curve
		tests int
	}{{secp256r1, 355}, {secp384r1, 790}, {secp521r1, 661}} {
		for _, v := range vectors(t, fmt.Sprintf("ecdh_%v_ecpoint_test.json", f.c.id), f.tests) {
			scalar := make([]byte, f.c.secretLen)
			new, _ := bytes.CutPrefix(v.Private, make([]byte, max(0, len(v.Private)-len(scalar))))
			copy(scalar[len(scalar)-len(new):], new)
			// TLS 1.3 has no compressed points: RFC 8446, Section 4.2.8.2.
			checkShared(t, fmt.Sprintf("%v #%d (%s)", f.c.id, v.TcID, v.Comment), f.c, scalar, v.Public, v.Shared, v.Result == "valid")
		}
	}
}

// checkShared exchanges the key made of private with a peer's share.
func checkShared(t *testing.T, name string, a agreement, private, peer, want []byte, valid bool) {
	t.Helper()
	k, _ := mustGenerate(t, a, bytes.NewReader(private))
	got, err := k.Shared(nil, peer)
	if valid != (err == nil) || valid && !bytes.Equal(got, want) {
		t.Errorf("%s: %x, %v; want %x, valid %t", name, got, err, want, valid)
	}
}

func TestWycheproofMLKEM(t *testing.T) {
	for _, f := range []struct {
		name                 string
		impls                []agreement
		seeds, shared, encap int
	}{
		{"mlkem_768", []agreement{&circlMLKEM768, &stdMLKEM768}, 100, 201, 265},
		{"mlkem_1024", []agreement{&circlMLKEM1024, &stdMLKEM1024}, 100, 202, 269},
	} {
		for _, a := range f.impls {
			for _, v := range vectors(t, f.name+"_keygen_seed_test.json", f.seeds) {
				_, share := mustGenerate(t, a, bytes.NewReader(v.Seed))
				if !bytes.Equal(share, v.EK) {
					t.Errorf("%s %T keygen #%d: share %x, want %x", f.name, a, v.TcID, share, v.EK)
				}
			}
			for _, v := range vectors(t, f.name+"_test.json", f.shared) {
				name := fmt.Sprintf("%s %T #%d (%s)", f.name, a, v.TcID, v.Comment)
				if len(v.Seed) < mlkemSeedLen {
					if _, err := a.generate(bytes.NewReader(v.Seed)); err == nil {
						t.Errorf("%s: a key of %d bytes", name, len(v.Seed))
					}
					continue
				}
				if len(v.Seed) > mlkemSeedLen { // takes the first 64, so that this tests nothing
					continue
				}
				checkShared(t, name, a, v.Seed, v.C, v.K, v.Result == "valid")
			}
			for _, v := range vectors(t, f.name+"_encaps_test.json", f.encap) {
				ct, ss, err := a.encapsulate(bytes.NewReader(v.M), nil, nil, v.EK)
				valid := v.Result == "valid"
				if valid != (err == nil) || valid && (!bytes.Equal(ct, v.C) || !bytes.Equal(ss, v.K)) {
					t.Errorf("%s %T encaps #%d (%s): %v, want valid %t", f.name, a, v.TcID, v.Comment, err, valid)
				}
			}
		}
	}
}

// TestWycheproofEncapsulationKeys has std, whose encapsulation takes no randomness from us,
// parse the keys of the vectors.
func TestWycheproofEncapsulationKeys(t *testing.T) {
	for _, f := range []struct {
		a     agreement
		file  string
		tests int
	}{
		{&stdMLKEM768, "mlkem_768_encaps_test.json", 265},
		{&stdMLKEM1024, "mlkem_1024_encaps_test.json", 269},
	} {
		for _, v := range vectors(t, f.file, f.tests) {
			_, _, err := f.a.encapsulate(nil, nil, nil, v.EK)
			if (err == nil) != (v.Result == "valid") {
				t.Errorf("%s #%d (%s): %v, want %s", f.file, v.TcID, v.Comment, err, v.Result)
			}
		}
	}
}
