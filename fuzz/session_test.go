package fuzz

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
)

// FuzzSession reads a serialized session, as a store or a client's file may hold it, with its checksum
// put right. What can be read has one encoding.
func FuzzSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := session.Parse(b); err == nil && !bytes.Equal(b, checked(bare(b))) {
			t.Fatal("taken with a wrong checksum")
		}
		b = checked(b)
		before := bytes.Clone(b)
		var s *session.Session
		var err error
		allocated(t, len(b), func() { s, err = session.Parse(b) })
		if !bytes.Equal(b, before) {
			t.Fatal("reading changed the bytes")
		}
		if err != nil {
			if s != nil {
				t.Fatal("a session and an error")
			}
			return
		}
		if again := s.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("read %x, written %x", b, again)
		}
		s.ExpiredAt(today())
		s.AgeError(s.ObfuscatedAge(today()), today())
		s.IssueAt(today(), session.DefaultSessionLifetime)
		s.Clear()
	})
}

// checked returns b with the checksum that a serialized session ends with, bare b without it.
func checked(b []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func bare(b []byte) []byte { return b[:len(b)-crc32.Size] }

// ticketKeys are two keys, the second of which begins when the first ends sealing.
func ticketKeys(t *testing.T) *session.Keys {
	k := session.NewKeys(session.KeysConfig{AddedOnly: true})
	for i, name := range []string{"first", "second"} {
		if err := k.Add([]byte(name), []byte(name), today().Add(time.Duration(i)*2*time.Hour), today()); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// FuzzTicket opens a ticket, the given number of seconds after the first key began. What opens is
// what the key seals with the ticket's own random bytes.
func FuzzTicket(f *testing.F) {
	f.Fuzz(func(t *testing.T, after uint32, ticket []byte) {
		k := ticketKeys(t)
		now := today().Add(time.Duration(after) * time.Second)
		before := bytes.Clone(ticket)
		text, renew, ok := k.Open([]byte("dst"), ticket, now)
		if !bytes.Equal(ticket, before) {
			t.Fatal("opening changed the ticket")
		}
		if !ok {
			if string(text) != "dst" || renew {
				t.Fatalf("what does not open leaves %x, renew %v", text, renew)
			}
			return
		}
		at := today()
		if bytes.HasPrefix(ticket, []byte("second")) {
			at = at.Add(2 * time.Hour)
		}
		const name, random = 16, 32
		again, life, ok, err := k.Seal(nil, text[len("dst"):], at, bytes.NewReader(ticket[name:][:random]))
		if !ok || err != nil || !bytes.Equal(again, ticket) {
			t.Fatalf("sealed again: %x (%v, %v), the ticket is %x", again, ok, err, ticket)
		}
		if !now.Before(at.Add(life)) {
			t.Fatalf("opens after its %v", life)
		}
	})
}

// aSession is what seeds hold.
func aSession() *session.Session {
	return &session.Session{
		Version: iana.TLS13, CipherSuite: iana.TLS_AES_128_GCM_SHA256, Secret: repeat(1, 32),
		ServerName: "localhost", ALPN: "h2", Established: today(), Issued: today(),
		KeyingMaterialExpires: today().Add(session.DefaultKeyingMaterialLifetime), Lifetime: 54000, AgeAdd: 7, MaxEarlyData: 16384,
		EarlyDataContext: []byte("context"), Group: iana.X25519, PeerScheme: iana.Ed25519, ClientAuth: true,
		PeerChain: [][]byte{[]byte("leaf"), []byte("root")}, OCSPResponse: []byte("ocsp"), SCTList: []byte("sct"),
	}
}

func sessionSeeds() seeds {
	client := aSession()
	client.Ticket = repeat(2, 100)
	stateful := aSession()
	stateful.ID, stateful.PeerTruncated, stateful.PeerChain = repeat(3, session.IDLen), true, stateful.PeerChain[:1]
	old := aSession()
	old.Version, old.CipherSuite, old.Secret = iana.TLS12, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, repeat(4, 48)
	old.ID, old.ExtendedMasterSecret, old.MaxEarlyData = repeat(5, 32), true, 0
	return seeds{
		"server": {bare(aSession().Append(nil))}, "client": {bare(client.Append(nil))}, "stateful": {bare(stateful.Append(nil))},
		"tls12": {bare(old.Append(nil))}, "empty": {[]byte{}}, "cut": {aSession().Append(nil)[:80]}, "checked": {aSession().Append(nil)},
	}
}

func ticketSeeds(t *testing.T) seeds {
	k := ticketKeys(t)
	seal := func(text []byte, after time.Duration) []byte {
		ticket, _, ok, err := k.Seal(nil, text, today().Add(after), bytes.NewReader(repeat(6, 32)))
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		return ticket
	}
	first := seal(aSession().Append(nil), 0)
	return seeds{
		"first": {uint32(0), first}, "renew": {uint32(3 * 3600), first}, "over": {uint32(15 * 3600), first},
		"second": {uint32(3 * 3600), seal(aSession().Append(nil), 2*time.Hour)}, "empty": {uint32(0), seal(nil, 0)},
		"early": {uint32(0), seal([]byte("early"), 2*time.Hour)}, "stateful": {uint32(0), repeat(3, session.IDLen)},
		"foreign": {uint32(0), repeat(9, 200)}, "flipped": {uint32(0), append(first[:len(first)-1:len(first)-1], first[len(first)-1]^1)},
	}
}
