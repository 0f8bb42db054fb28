package policy

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// Short names for the tables below.
const (
	aes128   = iana.TLS_AES_128_GCM_SHA256
	aes256   = iana.TLS_AES_256_GCM_SHA384
	chacha   = iana.TLS_CHACHA20_POLY1305_SHA256
	rsa128   = iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	rsaCha   = iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
	ecdsaCha = iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	grease   = 0x1a1a
)

func TestSelectSuite(t *testing.T) {
	all := []iana.CipherSuite{aes128, aes256, chacha}
	only := func(usable ...iana.CipherSuite) func(iana.CipherSuite) bool {
		return func(s iana.CipherSuite) bool { return slices.Contains(usable, s) }
	}
	for _, c := range []struct {
		says   string
		local  []iana.CipherSuite
		boost  bool
		peer   []iana.CipherSuite
		usable func(iana.CipherSuite) bool
		want   iana.CipherSuite // 0: none
	}{
		{"the server's order decides", all, false, []iana.CipherSuite{chacha, aes256, aes128}, nil, aes128},
		{"what the client lacks is passed over", all, false, []iana.CipherSuite{chacha, aes256}, nil, aes256},
		{"what is not usable is passed over", all, false, []iana.CipherSuite{aes128, aes256, chacha}, only(chacha), chacha},
		{"nothing in common", all, false, []iana.CipherSuite{0x1304, 0x1305}, nil, 0},
		{"nothing usable", all, false, all, only(), 0},
		{"the client offers nothing", all, true, nil, nil, 0},
		{"the server has nothing", nil, true, all, nil, 0},
		{"GREASE is never chosen", all, false, []iana.CipherSuite{grease, aes256}, nil, aes256},

		{"a client that wants ChaCha20 first gets it", all, true, []iana.CipherSuite{chacha, aes128}, nil, chacha},
		{"without boosting it does not", all, false, []iana.CipherSuite{chacha, aes128}, nil, aes128},
		{"a client that wants ChaCha20 second does not", all, true, []iana.CipherSuite{aes128, chacha}, nil, aes128},
		{"GREASE in front does not hide the first suite", all, true, []iana.CipherSuite{grease, 0x0a0a, chacha, aes128}, nil, chacha},
		{"GREASE alone wants nothing", all, true, []iana.CipherSuite{grease}, nil, 0},
		{"any ChaCha20 suite at the client's head counts", all, true, []iana.CipherSuite{rsaCha, aes128, chacha}, nil, chacha},
		{"the server's ChaCha20 suites keep their order", []iana.CipherSuite{rsa128, ecdsaCha, rsaCha}, true,
			[]iana.CipherSuite{rsaCha, ecdsaCha, rsa128}, nil, ecdsaCha},
		{"a ChaCha20 suite that is not usable gives way to the next", []iana.CipherSuite{rsa128, ecdsaCha, rsaCha}, true,
			[]iana.CipherSuite{rsaCha, ecdsaCha, rsa128}, only(rsa128, rsaCha), rsaCha},
		{"without a usable ChaCha20 suite the first other one is taken", all, true, []iana.CipherSuite{chacha, aes256, aes128}, only(aes128, aes256), aes128},
		{"a server without ChaCha20 has nothing to boost", all[:2], true, []iana.CipherSuite{chacha, aes256}, nil, aes256},
	} {
		got, ok := SelectSuite(c.local, c.boost, iana.MakeList(c.peer...), c.usable)
		if got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: suite is %s, %t, want %s", c.says, got, ok, c.want)
		}
	}
}

func TestSelectGroup(t *testing.T) {
	const (
		p256, p384, x25519 = iana.Secp256r1, iana.Secp384r1, iana.X25519
		hybridX, hybridP   = iana.X25519MLKEM768, iana.SecP256r1MLKEM768
	)
	type groups = []iana.Group
	local := LocalGroups{KEM: groups{hybridX, hybridP}, Curves: groups{p256, x25519, p384}}
	strong := LocalGroups{KEM: groups{hybridX}, Curves: groups{p256, x25519, p384}, StronglyPreferred: groups{p384}}
	for _, c := range []struct {
		says         string
		local        LocalGroups
		peer, shares groups
		want         iana.Group // 0: none
		retry        bool
	}{
		{"1: a KEM group with a share", local, groups{x25519, p256, hybridX}, groups{x25519, hybridX}, hybridX, false},
		{"1: the server's order decides between two KEM shares", local, groups{hybridP, hybridX}, groups{hybridP, hybridX}, hybridX, false},
		{"1: a KEM share is better than a more wanted KEM group by retry", local, groups{hybridX, hybridP}, groups{hybridP}, hybridP, false},
		{"2: a KEM group by retry is better than a curve with a share", local, groups{x25519, hybridP}, groups{x25519}, hybridP, true},
		{"2: the server's order decides which KEM group to ask for", local, groups{hybridP, hybridX, x25519}, groups{x25519}, hybridX, true},
		{"2: also without any share", local, groups{x25519, hybridP}, nil, hybridP, true},
		{"1 before 3: a KEM share is better than a strongly preferred curve", strong, groups{p384, hybridX}, groups{p384, hybridX}, hybridX, false},
		{"2 before 3: a KEM group by retry is better than a share of a strongly preferred curve", strong, groups{p384, hybridX}, groups{p384}, hybridX, true},
		{"3: a strongly preferred curve by retry is better than a curve with a share", strong, groups{x25519, p384}, groups{x25519}, p384, true},
		{"3: a share of the strongly preferred curve is used at once", strong, groups{x25519, p256, p384}, groups{x25519, p256, p384}, p384, false},
		{"3: a client without the strongly preferred curve is served as usual", strong, groups{x25519, p256}, groups{x25519}, x25519, false},
		{"3: the first strongly preferred curve in common decides", LocalGroups{Curves: groups{p256, p384, x25519}, StronglyPreferred: groups{x25519, p384}},
			groups{p256, p384}, groups{p256, p384}, p384, false},
		{"3: a strongly preferred group that is no curve of the policy is not used", LocalGroups{Curves: groups{p256}, StronglyPreferred: groups{p384}},
			groups{p256, p384}, groups{p384, p256}, p256, false},
		{"4: a curve with a share is better than a more wanted one by retry", local, groups{p256, p384}, groups{p384}, p384, false},
		{"4: the server's order decides between two shares", local, groups{p384, x25519}, groups{p384, x25519}, x25519, false},
		{"5: a common curve by retry", local, groups{p384, x25519}, nil, x25519, true},
		{"5: a share of a group that the server lacks does not count", local, groups{iana.Secp521r1, p384}, groups{iana.Secp521r1}, p384, true},
		{"a share of a group that the client does not list does not count", local, groups{p384}, groups{x25519, hybridX}, p384, true},
		{"GREASE is never chosen", local, groups{grease, x25519}, groups{grease, x25519}, x25519, false},
		{"nothing in common", local, groups{iana.X448, iana.Secp521r1}, groups{iana.X448}, 0, false},
		{"the client lists nothing", local, nil, groups{x25519}, 0, false},
		{"the server has nothing", LocalGroups{}, groups{x25519}, groups{x25519}, 0, false},
		{"a server with KEM groups only", LocalGroups{KEM: groups{hybridX}}, groups{x25519, hybridX}, groups{x25519}, hybridX, true},
	} {
		g, retry, ok := SelectGroup(c.local, iana.MakeList(c.peer...), func(g iana.Group) bool { return slices.Contains(c.shares, g) })
		if g != c.want || retry != c.retry || ok != (c.want != 0) {
			t.Errorf("%s: group is %s, retry %t, %t, want %s, retry %t", c.says, g, retry, ok, c.want, c.retry)
		}
	}

	inTLS12 := (&Policy{MinVersion: iana.TLS12, MaxVersion: iana.TLS13, CipherSuites: []iana.CipherSuite{rsa128, aes128},
		KEMGroups: strong.KEM, Curves: strong.Curves, StronglyPreferredGroups: strong.StronglyPreferred}).LocalGroups(iana.TLS12)
	g, retry, ok := SelectGroup(inTLS12, iana.MakeList(hybridX, p384, x25519), func(iana.Group) bool { return true })
	if g != x25519 || retry || !ok {
		t.Errorf("in TLS 1.2 the server's first common curve is chosen: group is %s, retry %t, %t", g, retry, ok)
	}
}

func TestSplitGroups(t *testing.T) {
	l := SplitGroups([]iana.Group{iana.X25519, iana.X25519MLKEM768, iana.FFDHE2048, iana.MLKEM1024, iana.Secp256r1})
	if !slices.Equal(l.KEM, []iana.Group{iana.X25519MLKEM768, iana.MLKEM1024}) ||
		!slices.Equal(l.Curves, []iana.Group{iana.X25519, iana.FFDHE2048, iana.Secp256r1}) || l.StronglyPreferred != nil {
		t.Errorf("groups are %v", l)
	}
	for _, e := range registry {
		p := e.policy
		if l := SplitGroups(p.Groups()); p.Supports(iana.TLS13) && (!slices.Equal(l.KEM, p.KEMGroups) || !slices.Equal(l.Curves, p.Curves)) {
			t.Errorf("%s: groups are %v", e.name, l)
		}
	}
}

func TestSelectScheme(t *testing.T) {
	local := []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256}
	ecdsa := func(s iana.SignatureScheme) bool { return s == iana.ECDSASecp256r1SHA256 }
	for _, c := range []struct {
		says string
		peer []iana.SignatureScheme
		fits func(iana.SignatureScheme) bool
		want iana.SignatureScheme // 0: none
	}{
		{"the local order decides", []iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.ECDSASecp256r1SHA256, iana.Ed25519}, nil, iana.Ed25519},
		{"what does not fit the key is passed over", local, ecdsa, iana.ECDSASecp256r1SHA256},
		{"what the peer did not offer is passed over", []iana.SignatureScheme{iana.RSAPSSRSAESHA256}, nil, iana.RSAPSSRSAESHA256},
		{"GREASE is never chosen", []iana.SignatureScheme{grease, iana.RSAPSSRSAESHA256}, nil, iana.RSAPSSRSAESHA256},
		{"a scheme that fits and was not offered is not fallen back to", []iana.SignatureScheme{iana.Ed25519, iana.RSAPSSRSAESHA256}, ecdsa, 0},
		{"the peer offers nothing", nil, nil, 0},
	} {
		got, ok := SelectScheme(local, iana.MakeList(c.peer...), c.fits)
		if got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: scheme is %s, %t, want %s", c.says, got, ok, c.want)
		}
	}
}

func TestSelectionDoesNotAllocate(t *testing.T) {
	p, err := Lookup("20251116")
	if err != nil {
		t.Fatal(err)
	}
	suites, schemes := p.Suites(iana.TLS13), p.Schemes(iana.TLS13)
	peerSuites := iana.MakeList(append([]iana.CipherSuite{grease, chacha}, p.Suites()...)...)
	peerGroups := iana.MakeList(iana.X25519, iana.Secp384r1)
	peerSchemes := iana.MakeList(iana.RSAPSSRSAESHA256)
	var share iana.Group = iana.X25519
	if n := testing.AllocsPerRun(100, func() {
		_, ok1 := SelectSuite(suites, true, peerSuites, func(s iana.CipherSuite) bool { return share != 0 })
		_, _, ok2 := SelectGroup(p.LocalGroups(iana.TLS13), peerGroups, func(g iana.Group) bool { return g == share })
		_, ok3 := SelectScheme(schemes, peerSchemes, func(s iana.SignatureScheme) bool { return share != 0 })
		if !ok1 || !ok2 || !ok3 || !p.Supports(iana.TLS13) {
			t.Error("nothing was selected")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
