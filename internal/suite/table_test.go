package suite

import (
	"crypto"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestTLS13 holds the rows of TLS 1.3 to RFC 8446, Sections 5.5 and B.4.
func TestTLS13(t *testing.T) {
	for _, c := range []struct {
		id       iana.CipherSuite
		hash     crypto.Hash
		keyLen   int
		limit    uint64
		approved bool
	}{
		{iana.TLS_AES_128_GCM_SHA256, crypto.SHA256, 16, 23_726_565, true},
		{iana.TLS_AES_256_GCM_SHA384, crypto.SHA384, 32, 23_726_565, true},
		{iana.TLS_CHACHA20_POLY1305_SHA256, crypto.SHA256, 32, 1 << 62, false},
	} {
		s := Lookup(c.id)
		if s == nil {
			t.Errorf("%v is not there", c.id)
			continue
		}
		if s.ID != c.id || !s.TLS13 || s.Hash != c.hash || s.KeyLen != c.keyLen || s.FixedIVLen != NonceLen || s.ExplicitLen != 0 ||
			s.NewAEAD == nil || s.NewBlock != nil || s.MAC != 0 || s.RecordLimit != c.limit || s.Approved != c.approved {
			t.Errorf("%v: row %+v", c.id, s)
		}
		if s.KeyExchange != 0 || s.Authentication != 0 || s.KeyExchange.String() != "none" || s.Authentication.String() != "none" {
			t.Errorf("%v has key exchange %v and authentication %v", c.id, s.KeyExchange, s.Authentication)
		}
	}
}

// TestTLS12 holds each row of TLS 1.2 to what the name of its suite says.
func TestTLS12(t *testing.T) {
	const (
		sha1   = crypto.SHA1
		sha256 = crypto.SHA256
		sha384 = crypto.SHA384
	)
	for cipher, c := range map[string]struct {
		hash                             crypto.Hash
		keyLen, fixedIVLen, explicitLen  int
		mac                              crypto.Hash
		macKeyLen, keyBlock              int
		blocks                           uint64
		approved                         bool // with ECDHE
		ecdheECDSA, ecdheRSA, dhe, plain iana.CipherSuite
	}{
		"AES_128_GCM_SHA256": {
			sha256, 16, 4, 8, 0, 0, 40, 24_319_729_125, true,
			iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_128_GCM_SHA256,
		},
		"AES_256_GCM_SHA384": {
			sha384, 32, 4, 8, 0, 0, 72, 24_319_729_125, true,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			iana.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, iana.TLS_RSA_WITH_AES_256_GCM_SHA384,
		},
		"CHACHA20_POLY1305_SHA256": {
			sha256, 32, 12, 0, 0, 0, 88, 1 << 62, false,
			iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0, 0,
		},
		"AES_128_CBC_SHA": {
			sha256, 16, 0, 16, sha1, 20, 72, 1 << 62, false,
			iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
			iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, iana.TLS_RSA_WITH_AES_128_CBC_SHA,
		},
		"AES_256_CBC_SHA": {
			sha256, 32, 0, 16, sha1, 20, 104, 1 << 62, false,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
			iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA, iana.TLS_RSA_WITH_AES_256_CBC_SHA,
		},
		"AES_128_CBC_SHA256": {
			sha256, 16, 0, 16, sha256, 32, 96, 1 << 62, true,
			iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
			iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, iana.TLS_RSA_WITH_AES_128_CBC_SHA256,
		},
		"AES_256_CBC_SHA256": {
			sha256, 32, 0, 16, sha256, 32, 128, 1 << 62, true,
			0, 0, iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, iana.TLS_RSA_WITH_AES_256_CBC_SHA256,
		},
		"AES_256_CBC_SHA384": {
			sha384, 32, 0, 16, sha384, 48, 160, 1 << 62, true,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, 0, 0,
		},
		"3DES_EDE_CBC_SHA": {
			sha256, 24, 0, 8, sha1, 20, 88, 1 << 20, false,
			0, iana.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
			iana.TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA, iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		},
	} {
		for _, use := range []struct {
			id   iana.CipherSuite
			kx   KeyExchange
			auth Authentication
		}{
			{c.ecdheECDSA, KeyExchangeECDHE, AuthenticationECDSA},
			{c.ecdheRSA, KeyExchangeECDHE, AuthenticationRSA},
			{c.dhe, KeyExchangeDHE, AuthenticationRSA},
			{c.plain, KeyExchangeRSA, AuthenticationRSA},
		} {
			if use.id == 0 {
				continue
			}
			exchange := use.kx.String() + "_" + use.auth.String()
			if use.kx == KeyExchangeRSA {
				exchange = "RSA"
			}
			if name := "TLS_" + exchange + "_WITH_" + cipher; name != use.id.String() {
				t.Errorf("%v stands where %s should", use.id, name)
			}
			s := Lookup(use.id)
			if s == nil {
				t.Errorf("%v is not there", use.id)
				continue
			}
			if s.ID != use.id || s.TLS13 || s.Hash != c.hash || s.KeyLen != c.keyLen || s.FixedIVLen != c.fixedIVLen ||
				s.ExplicitLen != c.explicitLen || s.MAC != c.mac || s.MACKeyLen != c.macKeyLen || s.KeyBlockLen() != c.keyBlock ||
				s.BlockLimit != c.blocks || s.Approved != (c.approved && use.kx == KeyExchangeECDHE) ||
				s.KeyExchange != use.kx || s.Authentication != use.auth {
				t.Errorf("%v: row %+v", use.id, s)
			}
			if (s.NewAEAD == nil) != (c.mac != 0) || (s.NewBlock == nil) != (c.mac == 0) {
				t.Errorf("%v: a row has an AEAD, or a block cipher and a MAC", use.id)
			}
			if s.MAC != 0 && s.MACKeyLen != s.MAC.Size() {
				t.Errorf("%v: MAC key of %d bytes for %v", use.id, s.MACKeyLen, s.MAC)
			}
		}
	}
}

// TestTable holds what all rows have in common, and which suites have none.
func TestTable(t *testing.T) {
	if len(table) != 32 {
		t.Errorf("%d rows, want 3 of TLS 1.3 and the 29 of TLS 1.2 that policies name", len(table))
	}
	longest := 0
	for i := range table {
		s := &table[i]
		if Lookup(s.ID) != s {
			t.Errorf("%v has two rows", s.ID)
		}
		if s.TLS13 != s.ID.IsTLS13() {
			t.Errorf("%v: TLS 1.3: %t", s.ID, s.TLS13)
		}
		if !s.Hash.Available() || s.MAC != 0 && !s.MAC.Available() {
			t.Errorf("%v: %v or %v is not linked in", s.ID, s.Hash, s.MAC)
		}
		if s.KeyLen > MaxKeyLen || s.MACKeyLen > MaxMACKeyLen || s.FixedIVLen > NonceLen {
			t.Errorf("%v: keys of %d and %d bytes, an IV of %d", s.ID, s.KeyLen, s.MACKeyLen, s.FixedIVLen)
		}
		longest = max(longest, s.KeyBlockLen())
	}
	if longest != MaxKeyBlockLen {
		t.Errorf("the longest key block has %d bytes, MaxKeyBlockLen is %d", longest, MaxKeyBlockLen)
	}
	for _, id := range []iana.CipherSuite{
		0, 0x1304, 0x1a1a, iana.TLS_RSA_WITH_RC4_128_MD5, iana.TLS_RSA_WITH_RC4_128_SHA,
		iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV, iana.TLS_FALLBACK_SCSV,
	} {
		if s := Lookup(id); s != nil {
			t.Errorf("%v has a row: %+v", id, s)
		}
	}
}

// TestKeys cuts key blocks into the order of RFC 5246, Section 6.3.
func TestKeys(t *testing.T) {
	for i := range table {
		s := &table[i]
		block := make([]byte, s.KeyBlockLen())
		for i := range block {
			block[i] = byte(i)
		}
		k, at := s.Keys(block), 0
		for _, part := range []struct {
			name string
			key  []byte
			want int
		}{
			{"client_write_MAC_key", k.ClientMAC, s.MACKeyLen}, {"server_write_MAC_key", k.ServerMAC, s.MACKeyLen},
			{"client_write_key", k.ClientKey, s.KeyLen}, {"server_write_key", k.ServerKey, s.KeyLen},
			{"client_write_IV", k.ClientIV, s.FixedIVLen}, {"server_write_IV", k.ServerIV, s.FixedIVLen},
		} {
			if len(part.key) != part.want || cap(part.key) != part.want {
				t.Errorf("%v: %s has %d bytes, capacity %d, want %d", s.ID, part.name, len(part.key), cap(part.key), part.want)
			} else if part.want > 0 && part.key[0] != byte(at) {
				t.Errorf("%v: %s begins at %d, want %d", s.ID, part.name, part.key[0], at)
			}
			at += part.want
		}
		if at != len(block) {
			t.Errorf("%v: %d bytes used of %d", s.ID, at, len(block))
		}
	}
}
