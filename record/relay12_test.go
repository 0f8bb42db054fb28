package record

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// relay12 stands between a client and a server of crypto/tls, whose master secret it is told. It
// opens and seals again each protected record of both directions.
type relay12 struct {
	mu       sync.Mutex
	keyLog   bytes.Buffer
	randoms  [2][]byte // of client and server
	suite    *suite.Suite
	openers  [2]Opener
	sealers  [2]Sealer
	resealed [2]int
}

// Write takes a line of the client's key log.
func (r *relay12) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keyLog.Write(line)
}

// derive makes the keys of both directions. RFC 5246, Section 6.3.
func (r *relay12) derive() error {
	var clientRandom, master string
	if _, err := fmt.Sscanf(r.keyLog.String(), "CLIENT_RANDOM %s %s", &clientRandom, &master); err != nil {
		return fmt.Errorf("key log %q: %w", r.keyLog.String(), err)
	}
	secret, err := hex.DecodeString(master)
	if err != nil {
		return err
	}
	sum := func(data ...[]byte) []byte {
		m := hmac.New(r.suite.Hash.New, secret)
		m.Write(concat(data...))
		return m.Sum(nil)
	}
	seed := concat([]byte("key expansion"), r.randoms[1], r.randoms[0])
	var block []byte
	for a := sum(seed); len(block) < r.suite.KeyBlockLen(); a = sum(a) {
		block = append(block, sum(a, seed)...)
	}
	k := r.suite.Keys(block)
	for side, keys := range [][3][]byte{{k.ClientMAC, k.ClientKey, k.ClientIV}, {k.ServerMAC, k.ServerKey, k.ServerIV}} {
		if r.openers[side], err = NewOpener12(r.suite, keys[0], keys[1], keys[2]); err != nil {
			return err
		}
		if r.sealers[side], err = NewSealer12(r.suite, keys[0], keys[1], keys[2], nil); err != nil {
			return err
		}
	}
	return nil
}

// forward passes on what side sends, until it ends.
func (r *relay12) forward(side int, from, to net.Conn) error {
	defer to.Close()
	protected := false
	for first := true; ; first = false {
		record := make([]byte, HeaderLen, HeaderLen+2*MaxCiphertext12)
		if _, err := io.ReadFull(from, record); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		record = record[:HeaderLen+headerLength(record)]
		if _, err := io.ReadFull(from, record[HeaderLen:]); err != nil {
			return err
		}
		r.mu.Lock()
		if first { // a hello: type and length of 4 bytes, version, random, session_id, suite
			hello := record[HeaderLen:]
			r.randoms[side] = bytes.Clone(hello[6:38])
			if side == 1 {
				at := 39 + int(hello[38])
				r.suite = suite.Lookup(iana.CipherSuite(hello[at])<<8 | iana.CipherSuite(hello[at+1]))
			}
		}
		var err error
		switch {
		case protected:
			record, err = r.reseal(side, record)
		case iana.RecordType(record[0]) == ccs:
			protected = true
			if r.openers[0] == nil {
				err = r.derive()
			}
		}
		r.mu.Unlock()
		if err != nil {
			return err
		}
		if _, err := to.Write(record); err != nil {
			return err
		}
	}
}

func (r *relay12) reseal(side int, record []byte) ([]byte, error) {
	t, content, err := r.openers[side].Open(record[:HeaderLen], record[HeaderLen:])
	if err != nil {
		return nil, err
	}
	r.resealed[side]++
	return seal1(r.sealers[side], t, content)
}

// TestThroughCryptoTLS has a client and a server of crypto/tls talk through a relay that opens and
// seals each record between them, with each cipher that crypto/tls has.
func TestThroughCryptoTLS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"server"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []iana.CipherSuite{
		iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
		iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
		iana.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
	} {
		t.Run(id.String(), func(t *testing.T) {
			r := new(relay12)
			config := &tls.Config{
				MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{uint16(id)},
				Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
				KeyLogWriter: r, InsecureSkipVerify: true,
			}
			serverConfig := config.Clone()
			serverConfig.KeyLogWriter = nil
			clientEnd, fromClient := net.Pipe()
			toServer, serverEnd := net.Pipe()
			client, server := tls.Client(clientEnd, config), tls.Server(serverEnd, serverConfig)
			deadline := time.Now().Add(20 * time.Second)
			clientEnd.SetDeadline(deadline)
			serverEnd.SetDeadline(deadline)

			results := make(chan error, 3)
			go func() { results <- r.forward(0, fromClient, toServer) }()
			go func() { results <- r.forward(1, toServer, fromClient) }()
			go func() { // echo, to the end
				_, err := io.Copy(server, server)
				server.Close()
				results <- err
			}()
			sent := make([]byte, 50000)
			rand.Read(sent)
			for _, n := range []int{1, 15, 16, 17, 1000, 16384, len(sent)} {
				go client.Write(sent[:n])
				got := make([]byte, n)
				if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, sent[:n]) {
					t.Fatalf("%d bytes come back otherwise: %v", n, err)
				}
			}
			if got := client.ConnectionState().CipherSuite; got != uint16(id) {
				t.Errorf("the suite is %#x", got)
			}
			client.CloseWrite()
			if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("after the server's close_notify: %d, %v", n, err)
			}
			client.Close()
			for range 3 {
				if err := <-results; err != nil && err != io.ErrClosedPipe {
					t.Error(err)
				}
			}
			if r.resealed[0] < 10 || r.resealed[1] < 10 {
				t.Errorf("%d records were opened and sealed again", r.resealed)
			}
		})
	}
}
