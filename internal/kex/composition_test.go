package kex

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestHybridsAgainstDraft puts each hybrid together a second time from the standard
// library, at the offsets of draft-ietf-tls-ecdhe-mlkem, and compares every byte.
func TestHybridsAgainstDraft(t *testing.T) {
	encapsulate768 := func(ek, m []byte) (ss, ct []byte) {
		k, err := mlkem.NewEncapsulationKey768(ek)
		if err != nil {
			t.Fatal(err)
		}
		ss, ct, err = mlkemtest.Encapsulate768(k, m)
		if err != nil {
			t.Fatal(err)
		}
		return ss, ct
	}
	encapsulate1024 := func(ek, m []byte) (ss, ct []byte) {
		k, err := mlkem.NewEncapsulationKey1024(ek)
		if err != nil {
			t.Fatal(err)
		}
		ss, ct, err = mlkemtest.Encapsulate1024(k, m)
		if err != nil {
			t.Fatal(err)
		}
		return ss, ct
	}
	key768 := func(seed []byte) []byte {
		k, err := mlkem.NewDecapsulationKey768(seed)
		if err != nil {
			t.Fatal(err)
		}
		return k.EncapsulationKey().Bytes()
	}
	key1024 := func(seed []byte) []byte {
		k, err := mlkem.NewDecapsulationKey1024(seed)
		if err != nil {
			t.Fatal(err)
		}
		return k.EncapsulationKey().Bytes()
	}
	for _, c := range []struct {
		id          iana.Group
		curve       ecdh.Curve
		scalarLen   int
		key         func(seed []byte) []byte
		encapsulate func(ek, m []byte) (ss, ct []byte)
		mlkemFirst  bool
	}{
		{iana.X25519MLKEM768, ecdh.X25519(), 32, key768, encapsulate768, true},
		{iana.SecP256r1MLKEM768, ecdh.P256(), 32, key768, encapsulate768, false},
		{iana.SecP384r1MLKEM1024, ecdh.P384(), 48, key1024, encapsulate1024, false},
	} {
		join := func(curve, kem []byte) []byte {
			if c.mlkemFirst {
				return append(bytes.Clone(kem), curve...)
			}
			return append(bytes.Clone(curve), kem...)
		}
		// parts splits what a side reads from its stream.
		parts := func(r io.Reader, kemLen int) (curve *ecdh.PrivateKey, kem []byte) {
			scalar, kem := make([]byte, c.scalarLen), make([]byte, kemLen)
			order := [2][]byte{scalar, kem}
			if c.mlkemFirst {
				order = [2][]byte{kem, scalar}
			}
			for _, b := range order {
				if _, err := io.ReadFull(r, b); err != nil {
					t.Fatal(err)
				}
			}
			curve, err := c.curve.NewPrivateKey(scalar)
			if err != nil {
				t.Fatal(err)
			}
			return curve, kem
		}
		clientCurve, seed := parts(stream(1), 64)
		serverCurve, m := parts(stream(2), 32)
		z, err := serverCurve.ECDH(clientCurve.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		ek := c.key(seed)
		ss, ct := c.encapsulate(ek, m)
		wantClient := join(clientCurve.PublicKey().Bytes(), ek)
		wantServer := join(serverCurve.PublicKey().Bytes(), ct)
		wantSecret := join(z, ss)

		s := Lookup(c.id)
		key, client := mustGenerate(t, s.agreement, stream(1))
		server, secret, err := s.Encapsulate(stream(2), nil, nil, client)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := key.Shared(nil, server)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []struct {
			what      string
			got, want []byte
		}{
			{"client share", client, wantClient},
			{"server share", server, wantServer},
			{"server's secret", secret, wantSecret},
			{"client's secret", ours, wantSecret},
		} {
			if !bytes.Equal(d.got, d.want) {
				t.Errorf("%v: %s is %x, want %x", c.id, d.what, d.got, d.want)
			}
		}
	}
}

// inFIPSMode is set in the process that TestFIPSMode starts.
const inFIPSMode = "S2NGO_TEST_IN_FIPS_MODE"

func TestFIPSMode(t *testing.T) {
	fips := os.Getenv(inFIPSMode) != ""
	for i := range table {
		s := &table[i]
		if want := s.Approved || !fips; s.Usable() != want {
			t.Errorf("FIPS mode %t: %v is usable: %t", fips, s.ID, s.Usable())
		}
		if fips {
			wantStandardLibrary(t, s.agreement)
		}
		k, share := mustGenerate(t, s.agreement, nil)
		answer, theirs, err := s.Encapsulate(nil, nil, nil, share)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := k.Shared(nil, answer)
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("FIPS mode %t: %v: secrets differ, or %v", fips, s.ID, err)
		}
	}
	if fips {
		return
	}
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		rows := newTable(true, arch)
		for i := range rows {
			wantStandardLibrary(t, rows[i].agreement)
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSMode$")
	cmd.Env = append(os.Environ(), inFIPSMode+"=1", "GODEBUG=fips140=on")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with GODEBUG=fips140=on: %v\n%s", err, out)
	}
}

func wantStandardLibrary(t *testing.T, a agreement) {
	t.Helper()
	switch a := a.(type) {
	case *curve, *stdMLKEM:
	case *hybrid:
		wantStandardLibrary(t, a.first)
		wantStandardLibrary(t, a.second)
	default:
		t.Errorf("FIPS mode chooses %T", a)
	}
}
