package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	stored "github.com/s2ngo/s2ngo/internal/session"
)

// runnerTicket is the form of the tickets that the runner takes apart, to change the version and the
// cipher suite in them: it knows the key, how OpenSSL encrypts (RFC 5077, Section 4, with
// AES-128-CBC and HMAC-SHA-256), and the first fields of BoringSSL's SSL_SESSION.
type runnerTicket struct {
	name, macKey, key []byte
}

// newRunnerTicket is for the value of -ticket-key, 48 bytes.
func newRunnerTicket(key []byte) *runnerTicket {
	return &runnerTicket{key[:16], key[16:32], key[32:48]}
}

// runnerSession is what such a ticket holds.
type runnerSession struct {
	Format  int
	Version int
	Suite   []byte
	State   []byte // as the library gave it
}

func (r *runnerTicket) seal(state []byte) ([]byte, error) {
	s, err := stored.Parse(state)
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(runnerSession{1, int(s.Version), []byte{byte(s.CipherSuite >> 8), byte(s.CipherSuite)}, state})
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	der = append(der, bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	block, err := aes.NewCipher(r.key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(der, der)
	ticket := slices.Concat(r.name, iv, der)
	return append(ticket, r.mac(ticket)...), nil
}

// open returns the state with the version and the suite that the runner has put into the ticket, or nil
// if it is none of ours.
func (r *runnerTicket) open(ticket []byte) ([]byte, error) {
	n := len(ticket) - sha256.Size
	head := len(r.name) + aes.BlockSize
	if n <= head || (n-head)%aes.BlockSize != 0 || !bytes.Equal(ticket[:len(r.name)], r.name) || !hmac.Equal(ticket[n:], r.mac(ticket[:n])) {
		return nil, nil
	}
	block, err := aes.NewCipher(r.key)
	if err != nil {
		return nil, err
	}
	der := make([]byte, n-head)
	cipher.NewCBCDecrypter(block, ticket[len(r.name):head]).CryptBlocks(der, ticket[head:n])
	pad := int(der[len(der)-1])
	if pad > len(der) {
		return nil, nil
	}
	var rewritten runnerSession
	if _, err := asn1.Unmarshal(der[:len(der)-pad], &rewritten); err != nil || len(rewritten.Suite) != 2 {
		return nil, err
	}
	s, err := stored.Parse(rewritten.State)
	if err != nil {
		return nil, err
	}
	s.Version = iana.Version(rewritten.Version)
	s.CipherSuite = iana.CipherSuite(rewritten.Suite[0])<<8 | iana.CipherSuite(rewritten.Suite[1])
	return s.Append(nil), nil
}

func (r *runnerTicket) mac(data []byte) []byte {
	h := hmac.New(sha256.New, r.macKey)
	h.Write(data)
	return h.Sum(nil)
}
