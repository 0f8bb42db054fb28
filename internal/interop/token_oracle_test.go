//go:build unix

package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// oracleSuite is a cipher suite with RSA key exchange.
const oracleSuite = "TLS_RSA_WITH_AES_128_GCM_SHA256"

// encrypted makes a ciphertext of a whole block, premaster secret behind good padding, that change may spoil.
func encrypted(pub *rsa.PublicKey, change func(em []byte)) []byte {
	em := bytes.Repeat([]byte{0xaa}, pub.Size())
	copy(em, []byte{0, 2})
	copy(em[len(em)-49:], append([]byte{0, 3, 3}, make([]byte, 46)...))
	change(em)
	c := new(big.Int).Exp(new(big.Int).SetBytes(em), big.NewInt(int64(pub.E)), pub.N)
	return c.FillBytes(make([]byte, pub.Size()))
}

// withLeadingZero encrypts until the ciphertext begins with a zero.
func withLeadingZero(pub *rsa.PublicKey) []byte {
	for i := range 20000 {
		c := encrypted(pub, func(em []byte) {
			em[2], em[3], em[4] = byte(i)|1, byte(i>>7)|1, byte(i>>14)|1
			rand.Read(em[len(em)-40:])
		})
		if c[0] == 0 {
			return c
		}
	}
	return nil // one time in 10^34
}

// oracleCiphertexts are what somebody sends who wants to decrypt by asking, and some that are public nonsense.
var oracleCiphertexts = []struct {
	name string
	make func(pub *rsa.PublicKey) []byte
}{
	{"good", func(pub *rsa.PublicKey) []byte { return encrypted(pub, func([]byte) {}) }},
	{"good, beginning with a zero", withLeadingZero},
	{"no zero at the beginning of the block", spoilt(func(em []byte) { em[0] = 1 })},
	{"block type 1", spoilt(func(em []byte) { em[1] = 1 })},
	{"block type 0", spoilt(func(em []byte) { em[1] = 0 })},
	{"padding of seven bytes", spoilt(func(em []byte) { em[9] = 0 })},
	{"padding that ends early", spoilt(func(em []byte) { em[100] = 0 })},
	{"padding that does not end", spoilt(func(em []byte) {
		for i := range em[2:] {
			em[2+i] |= 1
		}
	})},
	{"TLS 1.1", spoilt(func(em []byte) { em[len(em)-47] = 2 })},
	{"version 2.3", spoilt(func(em []byte) { em[len(em)-48] = 2 })},
	{"47 bytes", spoilt(func(em []byte) { em[len(em)-49], em[len(em)-48] = 0xaa, 0 })},
	{"49 bytes", spoilt(func(em []byte) { em[len(em)-50], em[len(em)-49] = 0, 3 })},
	{"no bytes", spoilt(func(em []byte) {
		for i := range em[2:] {
			em[2+i] |= 1
		}
		em[len(em)-1] = 0
	})},
	{"a ciphertext of zeros", func(pub *rsa.PublicKey) []byte { return make([]byte, pub.Size()) }},
	{"a ciphertext that is the modulus", func(pub *rsa.PublicKey) []byte { return pub.N.Bytes() }},
	{"a ciphertext above the modulus", func(pub *rsa.PublicKey) []byte { return bytes.Repeat([]byte{0xff}, pub.Size()) }},
	{"a ciphertext that is a byte short", func(pub *rsa.PublicKey) []byte { return make([]byte, pub.Size()-1) }},
	{"a ciphertext that is a byte long", func(pub *rsa.PublicKey) []byte { return make([]byte, pub.Size()+1) }},
	{"a ciphertext of one byte", func(*rsa.PublicKey) []byte { return []byte{7} }},
}

func spoilt(change func(em []byte)) func(pub *rsa.PublicKey) []byte {
	return func(pub *rsa.PublicKey) []byte { return encrypted(pub, change) }
}

// ask sends a ciphertext and a Finished that cannot be right, and returns all that the server sends
// after its ServerHelloDone, and whether any of it came before the Finished was sent.
func ask(t *testing.T, port int, ciphertext []byte) (answer []byte, early bool) {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(prompt)); err != nil {
		t.Fatal(err)
	}
	client := testpeer.ScriptClient12{Suites: []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256},
		Groups: []iana.Group{iana.X25519}, Schemes: []iana.SignatureScheme{iana.RSAPKCS1SHA256}, ServerName: localhost}
	client.Extended, client.Before = true, []byte{}
	client.Edit = testpeer.On(iana.ClientKeyExchange, func(msg []byte) []byte {
		return testpeer.Body(append(binary.BigEndian.AppendUint16(nil, uint16(len(ciphertext))), ciphertext...)...)(msg)
	})
	send := func(kind iana.RecordType, fragment []byte) {
		t.Helper()
		record := binary.BigEndian.AppendUint16([]byte{byte(kind), 3, 3}, uint16(len(fragment)))
		if _, err := raw.Write(append(record, fragment...)); err != nil {
			t.Fatal(err)
		}
	}
	send(iana.RecordHandshake, client.ClientHello())
	var flight []byte
	for done := false; !done; {
		header := make([]byte, 5)
		if _, err := io.ReadFull(raw, header); err != nil {
			t.Fatal(err)
		}
		fragment := make([]byte, binary.BigEndian.Uint16(header[3:]))
		if _, err := io.ReadFull(raw, fragment); err != nil {
			t.Fatal(err)
		}
		if header[0] != byte(iana.RecordHandshake) {
			t.Fatalf("the server sends a record %x of %x", header, fragment)
		}
		flight = append(flight, fragment...)
		for len(flight) >= 4 && len(flight) >= 4+int(binary.BigEndian.Uint32(flight)&0xffffff) {
			n := 4 + int(binary.BigEndian.Uint32(flight)&0xffffff)
			client.ReadServer(flight[:n])
			done = flight[0] == byte(iana.ServerHelloDone)
			flight = flight[n:]
		}
	}
	exchange := client.ClientKeyExchange()
	if err := client.Err(); err != nil {
		t.Fatal(err)
	}
	send(iana.RecordHandshake, exchange)
	send(iana.RecordChangeCipherSpec, []byte{1})
	// A server that is in a hurry to complain has the time for it.
	if err := raw.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	n, _ := raw.Read(first)
	early = n > 0
	if err := raw.SetReadDeadline(time.Now().Add(prompt)); err != nil {
		t.Fatal(err)
	}
	send(iana.RecordHandshake, make([]byte, 8+16+16))
	rest, err := io.ReadAll(raw)
	if err != nil {
		t.Fatal(err)
	}
	return append(first[:n], rest...), early
}

// TestTokenIsNoOracle: whatever is encrypted to a token's RSA key, the client sees the same records and the
// same alert, at the same point (RFC 5246, Section 7.4.7.1). And the token still works.
func TestTokenIsNoOracle(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, test := range tokens {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tok := test.start(t, "rsa2048")
			key := tok.Key(t, "rsa2048")
			ours := serveIn(t, tok.Env, append(tokenOptions(tok, "rsa2048"), "--https", "--ciphers", policyWith(t, oracleSuite))...)
			want := []byte{21, 3, 3, 0, 2, 2, byte(iana.BadRecordMAC)}
			for _, c := range oracleCiphertexts {
				answer, early := ask(t, ours.port, c.make(key.Public.(*rsa.PublicKey)))
				if early || !bytes.Equal(answer, want) {
					t.Errorf("%s: the server answers % x, early: %v; want % x", c.name, answer, early, want)
				}
				if r := ours.next(); r.Alert != fmt.Sprint(iana.BadRecordMAC) || !r.AlertSent || r.Blocked.Application == 0 {
					t.Errorf("%s: the server reports %+v", c.name, r)
				}
			}
			got := sClient(t, ours.port, request, "-tls1_2", "-cipher", "AES128-GCM-SHA256")
			expectPage(t, got)
			ours.next().expect(t, report{Version: "TLSv1.2", CipherSuite: oracleSuite})
			if strings.Contains(ours.Stderr(), TokenPIN) {
				t.Error("the server's messages hold the PIN")
			}
		})
	}
}
