package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// ciphers12 has one suite of each cipher and MAC of TLS 1.2.
var ciphers12 = []iana.CipherSuite{
	iana.TLS_RSA_WITH_AES_128_GCM_SHA256,
	iana.TLS_RSA_WITH_AES_256_GCM_SHA384,
	iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	iana.TLS_RSA_WITH_AES_128_CBC_SHA,
	iana.TLS_RSA_WITH_AES_256_CBC_SHA,
	iana.TLS_RSA_WITH_AES_128_CBC_SHA256,
	iana.TLS_RSA_WITH_AES_256_CBC_SHA256,
	iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
	iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}

// cbcCiphers are those of ciphers12 whose blocks and MACs differ: with each MAC, and with the short
// block.
var cbcCiphers = []iana.CipherSuite{
	iana.TLS_RSA_WITH_AES_128_CBC_SHA,
	iana.TLS_RSA_WITH_AES_256_CBC_SHA256,
	iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
	iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}

// peer12 seals and opens by a straightforward reading of RFC 5246, Section 6.2.3, RFC 5288 and RFC
// 7905, that shares nothing with what it tests. Its time says all about the plaintext.
type peer12 struct {
	suite           *suite.Suite
	macKey, key, iv []byte
	version         iana.Version
	seq             uint64
}

func newPeer12(id iana.CipherSuite) *peer12 {
	s := suite.Lookup(id)
	p := &peer12{suite: s, version: iana.TLS12}
	for _, k := range []struct {
		to *[]byte
		n  int
	}{{&p.macKey, s.MACKeyLen}, {&p.key, s.KeyLen}, {&p.iv, s.FixedIVLen}} {
		*k.to = make([]byte, k.n)
		for i := range *k.to {
			(*k.to)[i] = byte(37*i + k.n + int(id))
		}
	}
	return p
}

func (p *peer12) sealer(t testing.TB, random io.Reader) Sealer {
	t.Helper()
	s, err := NewSealer12(p.suite, p.macKey, p.key, p.iv, random)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p *peer12) opener(t testing.TB) Opener {
	t.Helper()
	o, err := NewOpener12(p.suite, p.macKey, p.key, p.iv)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cbcOpener is opener for a CBC suite.
func (p *peer12) cbcOpener(t testing.TB) *cbcOpener {
	t.Helper()
	return p.opener(t).(*cbcOpener)
}

// counter returns the count of an Opener or a Sealer.
func counter(p any) *count12 {
	switch p := p.(type) {
	case *aead12:
		return &p.count12
	case *cbcOpener:
		return &p.count12
	case *cbcSealer:
		return &p.count12
	}
	return nil
}

// pseudo returns seq_num, type, version and the length n.
func (p *peer12) pseudo(t iana.RecordType, n int) []byte {
	b := binary.BigEndian.AppendUint64(nil, p.seq)
	return append(b, byte(t), byte(p.version>>8), byte(p.version), byte(n>>8), byte(n))
}

func (p *peer12) block() cipher.Block {
	newBlock := aes.NewCipher
	if p.suite.KeyLen == 24 {
		newBlock = des.NewTripleDESCipher
	}
	block, err := newBlock(p.key)
	if err != nil {
		panic(err)
	}
	return block
}

func (p *peer12) mac(t iana.RecordType, content []byte) []byte {
	h := hmac.New(p.suite.MAC.New, p.macKey)
	h.Write(p.pseudo(t, len(content)))
	h.Write(content)
	return h.Sum(nil)
}

// encrypt returns the record whose body is fragment, of whole blocks, behind iv.
func (p *peer12) encrypt(t iana.RecordType, iv, fragment []byte) []byte {
	out := bytes.Clone(fragment)
	cipher.NewCBCEncrypter(p.block(), iv).CryptBlocks(out, out)
	p.seq++
	return rawRecord(byte(t), p.version, concat(iv, out))
}

// padding returns the shortest for content, lengthened by extra blocks.
func (p *peer12) padding(content, extra int) []byte {
	block := p.block().BlockSize()
	n := block - (content+p.suite.MACKeyLen)%block + extra*block
	return bytes.Repeat([]byte{byte(n - 1)}, n)
}

// record returns what a Sealer should make of content. random is the IV of a CBC cipher.
func (p *peer12) record(t iana.RecordType, content, random []byte) []byte {
	switch {
	case p.suite.MAC != 0:
		return p.encrypt(t, random, concat(content, p.mac(t, content), p.padding(len(content), 0)))
	case len(p.iv) == 4:
		explicit := binary.BigEndian.AppendUint64(nil, p.seq)
		sealed := p.aead().Seal(nil, concat(p.iv, explicit), content, p.pseudo(t, len(content)))
		p.seq++
		return rawRecord(byte(t), p.version, concat(explicit, sealed))
	}
	nonce := bytes.Clone(p.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(p.seq >> (56 - 8*i))
	}
	sealed := p.aead().Seal(nil, nonce, content, p.pseudo(t, len(content)))
	p.seq++
	return rawRecord(byte(t), p.version, sealed)
}

func (p *peer12) aead() cipher.AEAD {
	a, err := p.suite.NewAEAD(p.key)
	if err != nil {
		panic(err)
	}
	return a
}

// open is what a cbcOpener should say of a record, found out the naive way: it stops at the first
// thing that is wrong, and takes a MAC of as many bytes as there are.
func (p *peer12) open(record []byte) (content []byte, err error) {
	h, body := record[:HeaderLen], bytes.Clone(record[HeaderLen:])
	block := p.block()
	size := block.BlockSize()
	if len(body)%size != 0 || len(body) < 2*size {
		return nil, errors.New("no whole blocks")
	}
	iv, plaintext := body[:size], body[size:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plaintext, plaintext)
	n, err := naiveOpen(p, iana.RecordType(h[0]), plaintext)
	return plaintext[:n], err
}

// naiveOpen returns the length of the content of a decrypted record.
//
//go:noinline
func naiveOpen(p *peer12, t iana.RecordType, plaintext []byte) (int, error) {
	padding := int(plaintext[len(plaintext)-1])
	n := len(plaintext) - 1 - padding - p.suite.MACKeyLen
	if n < 0 {
		return 0, errors.New("padding without end")
	}
	for i, b := range plaintext[len(plaintext)-1-padding:] {
		if int(b) != padding {
			return 0, fmt.Errorf("padding of %d with %d at %d", padding, b, i)
		}
	}
	if !bytes.Equal(p.mac(t, plaintext[:n]), plaintext[n:n+p.suite.MACKeyLen]) {
		return 0, errors.New("MAC")
	}
	return n, nil
}

// open1 opens a copy of record, at number seq.
func open1(o Opener, seq uint64, record []byte) (iana.RecordType, []byte, error) {
	counter(o).seq = seq
	record = bytes.Clone(record)
	return o.Open(record[:HeaderLen], record[HeaderLen:])
}

// forward returns bytes 0, 1, 2 and so on.
type forward byte

func (f *forward) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(*f)
		*f++
	}
	return len(p), nil
}
