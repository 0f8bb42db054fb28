package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

// noon is when the tests' clocks start.
var noon = time.UnixMilli(1_800_000_000_123)

// full13 and full12 have every field set that their version has.
func full13() *Session {
	return &Session{
		Version: iana.TLS13, CipherSuite: iana.TLS_AES_256_GCM_SHA384,
		Secret: bytes.Repeat([]byte{1}, 48), ServerName: "server.example", ALPN: "h2",
		Established: noon.Add(-time.Hour), Issued: noon, KeyingMaterialExpires: noon.Add(DefaultKeyingMaterialLifetime),
		Lifetime: 54000, AgeAdd: 0xfedcba98, MaxEarlyData: 16384, EarlyDataContext: []byte("context"),
		Group: iana.X25519, PeerScheme: iana.ECDSASecp256r1SHA256,
		PeerChain: [][]byte{[]byte("leaf"), []byte("issuer")}, PeerTruncated: true,
		OCSPResponse: []byte("ocsp"), SCTList: []byte("sct"), ClientAuth: true, Binding: [32]byte{31: 7},
		PSKIdentity: []byte("sensor"), PSKDigest: [32]byte{31: 8},
		ID: bytes.Repeat([]byte{2}, IDLen), Ticket: []byte("ticket"),
	}
}

func full12() *Session {
	s := full13()
	s.Version, s.CipherSuite, s.ExtendedMasterSecret = iana.TLS12, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true
	s.MaxEarlyData, s.PSKIdentity, s.PSKDigest = 0, nil, [32]byte{}
	return s
}

func least() *Session {
	return &Session{Version: iana.TLS12, CipherSuite: iana.TLS_RSA_WITH_AES_128_CBC_SHA, Secret: make([]byte, 48)}
}

func TestRoundTrip(t *testing.T) {
	for name, s := range map[string]*Session{"TLS 1.3": full13(), "TLS 1.2": full12(), "the least": least()} {
		b := s.Append([]byte("before"))
		got, err := Parse(b[len("before"):])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(s, got) {
			type plain Session // without the methods that hide what it holds
			t.Errorf("%s: written and read:\n%+v\nwant\n%+v", name, *(*plain)(got), *(*plain)(s))
		}
		if n := len(b) - len("before"); n != s.size() {
			t.Errorf("%s: %d bytes written, room was made for %d", name, n, s.size())
		}
	}
}

// summed returns b, which is without one, with its checksum.
func summed(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func TestParseRefuses(t *testing.T) {
	bare := func(s *Session) []byte { b := s.Append(nil); return b[:len(b)-checksumLen] }
	whole := bare(full13())
	change := func(f func(s *Session)) []byte {
		s := full13()
		f(s)
		return bare(s)
	}
	for name, b := range map[string][]byte{
		"nothing":                           nil,
		"another format":                    append([]byte{2}, whole[1:]...),
		"an unknown flag":                   append([]byte{1, 0x80}, whole[2:]...),
		"a byte behind":                     append(bytes.Clone(whole), 0),
		"an unknown version":                change(func(s *Session) { s.Version = 0x0305 }),
		"TLS 1.1":                           change(func(s *Session) { s.Version = iana.TLS11 }),
		"an unknown suite":                  change(func(s *Session) { s.CipherSuite = 0x1399 }),
		"a suite of another version":        change(func(s *Session) { s.CipherSuite = iana.TLS_RSA_WITH_AES_128_CBC_SHA }),
		"a secret of another hash":          change(func(s *Session) { s.Secret = s.Secret[:32] }),
		"a master secret of 32 bytes":       func() []byte { s := full12(); s.Secret = s.Secret[:32]; return bare(s) }(),
		"TLS 1.2 with early data":           func() []byte { s := full12(); s.MaxEarlyData = 1; return bare(s) }(),
		"TLS 1.3 with the EMS of TLS 1.2":   change(func(s *Session) { s.ExtendedMasterSecret = true }),
		"a time before 1970":                func() []byte { b := bytes.Clone(whole); b[10] = 0x80; return b }(),
		"a time after the year 9999":        func() []byte { b := bytes.Clone(whole); b[11] = 0x7f; return b }(),
		"an empty certificate in the chain": append(bytes.Clone(bare(least())[:len(bare(least()))-1]), 1, 0, 0, 0),
	} {
		if s, err := Parse(summed(b)); err == nil || s != nil {
			t.Errorf("%s: taken", name)
		}
	}
	for n := range whole {
		if _, err := Parse(summed(bytes.Clone(whole[:n]))); err == nil {
			t.Errorf("%d of %d bytes: taken", n, len(whole))
		}
	}
	if _, err := Parse(summed(whole)); err != nil {
		t.Errorf("the whole: %v", err)
	}
}

// TestDamagedSessions changes every bit of a serialized session, and cuts it everywhere: with another
// secret, say, it would lead to a handshake that fails.
func TestDamagedSessions(t *testing.T) {
	whole := full13().Append(nil)
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			if _, err := Parse(b); err == nil {
				t.Errorf("taken with bit %d of byte %d flipped", bit, i)
			}
		}
		if _, err := Parse(whole[:i]); err == nil {
			t.Errorf("taken with %d of %d bytes", i, len(whole))
		}
	}
}

func TestAppendTooLong(t *testing.T) {
	for name, f := range map[string]func(s *Session){
		"ID":          func(s *Session) { s.ID = make([]byte, IDLen+1) },
		"secret":      func(s *Session) { s.Secret = make([]byte, 256) },
		"server name": func(s *Session) { s.ServerName = strings.Repeat("x", 1<<16) },
		"ALPN":        func(s *Session) { s.ALPN = strings.Repeat("x", 256) },
		"context":     func(s *Session) { s.EarlyDataContext = make([]byte, 1<<16) },
		"ticket":      func(s *Session) { s.Ticket = make([]byte, 1<<16) },
		"SCT list":    func(s *Session) { s.SCTList = make([]byte, 1<<16) },
		"OCSP":        func(s *Session) { s.OCSPResponse = make([]byte, 1<<24) },
		"certificate": func(s *Session) { s.PeerChain = [][]byte{make([]byte, 1<<24)} },
		"chain":       func(s *Session) { s.PeerChain = make([][]byte, maxChain+1) },
		"no leaf":     func(s *Session) { s.PeerChain = [][]byte{nil} },
	} {
		s := full13()
		f(s)
		if b := s.Append([]byte{9}); !bytes.Equal(b, []byte{9}) {
			t.Errorf("%s: %d bytes appended", name, len(b)-1)
		}
	}
}

func TestParseCopies(t *testing.T) {
	b := full13().Append(nil)
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if !reflect.DeepEqual(s, full13()) {
		t.Error("the session changed with the bytes that it was read from")
	}
}

// A session that was taken is wiped where it lay; what is no session is left alone.
func TestTake(t *testing.T) {
	s := full13()
	b := s.Append(nil)
	got, err := Take(b)
	if err != nil || !reflect.DeepEqual(s, got) {
		t.Fatalf("another session was taken, %v", err)
	}
	if !bytes.Contains(b, s.Secret) {
		t.Fatal("the secret is not in what was written")
	}
	if got.Clear(); bytes.Contains(b, s.Secret) {
		t.Error("Clear leaves the secret in the bytes that the session lay in")
	}
	for name, b := range map[string][]byte{"a wrong checksum": append(s.Append(nil), 0), "another format": summed([]byte{2, 0, 0, 0})} {
		before := bytes.Clone(b)
		if _, err := Take(b); err != ErrFormat || !bytes.Equal(b, before) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRedacted(t *testing.T) {
	s := full13()
	s.Secret = []byte("0123456789abcdef0123456789abcdef0123456789abcdef")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "session", s, "value", *s)
	text := fmt.Sprintf("%v %+v %#v %s %x %q %d", s, *s, s, *s, s, s, *s) + log.String()
	if strings.Contains(text, "0123") || strings.Contains(text, "30313233") || strings.Contains(text, "48 49 50") {
		t.Errorf("the secret is printed: %s", text)
	}
}

func TestClear(t *testing.T) {
	s := full13()
	secret := s.Secret
	s.Clear()
	if !bytes.Equal(secret, make([]byte, len(secret))) || !reflect.DeepEqual(s, &Session{}) {
		t.Error("something is left")
	}
}
