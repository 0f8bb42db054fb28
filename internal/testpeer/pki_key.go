package testpeer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"embed"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strconv"
	"sync"
)

// KeyKind says which key a certificate is made for.
type KeyKind uint8

// Kinds of keys. KeyRSAPSS2048 is an RSA key that its certificate binds to RSASSA-PSS.
const (
	KeyP256 KeyKind = iota
	KeyP384
	KeyP521
	KeyP224
	KeyEd25519
	KeyRSA1024
	KeyRSA2048
	KeyRSA3072
	KeyRSA4096
	KeyRSAPSS2048
)

var kindNames = [...]string{"P-256", "P-384", "P-521", "P-224", "Ed25519", "RSA-1024", "RSA-2048", "RSA-3072", "RSA-4096", "RSA-PSS-2048"}

// String returns the name of k, or its number.
func (k KeyKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return strconv.Itoa(int(k))
}

func (k KeyKind) rsaBits() int {
	switch k {
	case KeyRSA1024:
		return 1024
	case KeyRSA2048, KeyRSAPSS2048:
		return 2048
	case KeyRSA3072:
		return 3072
	case KeyRSA4096:
		return 4096
	}
	return 0
}

func (k KeyKind) curve() elliptic.Curve {
	switch k {
	case KeyP256:
		return elliptic.P256()
	case KeyP384:
		return elliptic.P384()
	case KeyP521:
		return elliptic.P521()
	case KeyP224:
		return elliptic.P224()
	}
	return nil
}

// The published keys serve the seeded mode alone: whoever reads this repository has them.
//
//go:embed testdata/throwaway-rsa*.pem
var published embed.FS

// newKey makes a key of kind k: a fresh one without a seed, and otherwise the one that
// belongs to seed and label. RSA keys are made once per process and size, because that
// takes up to seconds; with a seed they are the published ones.
func newKey(k KeyKind, seed []byte, label string) (crypto.Signer, error) {
	switch {
	case k.rsaBits() != 0 && seed != nil:
		return publishedKey(k.rsaBits())
	case k.rsaBits() != 0:
		return freshRSA(k.rsaBits())
	case k == KeyEd25519 && seed != nil:
		return ed25519.NewKeyFromSeed(stretch(seed, label, ed25519.SeedSize)), nil
	case k == KeyEd25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case k.curve() != nil && seed != nil:
		return seededECDSA(k.curve(), seed, label)
	case k.curve() != nil:
		return ecdsa.GenerateKey(k.curve(), rand.Reader)
	}
	return nil, fmt.Errorf("testpeer: no key of kind %v", k)
}

// seededECDSA tries candidates until one is a scalar of the curve's order.
func seededECDSA(c elliptic.Curve, seed []byte, label string) (crypto.Signer, error) {
	bits := c.Params().N.BitLen()
	for try := range 100 {
		d := stretch(seed, label+" "+strconv.Itoa(try), (bits+7)/8)
		if spare := len(d)*8 - bits; spare > 0 {
			d[0] &= 0xff >> spare
		}
		if key, err := ecdsa.ParseRawPrivateKey(c, d); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("testpeer: no %s key in a hundred tries", c.Params().Name)
}

// stretch returns n bytes that depend on seed and label.
func stretch(seed []byte, label string, n int) []byte {
	var out []byte
	for block := uint32(0); len(out) < n; block++ {
		h := sha512.New()
		h.Write(binary.BigEndian.AppendUint32(nil, block))
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(seed))))
		h.Write(seed)
		h.Write([]byte(label))
		out = h.Sum(out)
	}
	return out[:n]
}

func publishedKey(bits int) (crypto.Signer, error) {
	name := fmt.Sprintf("testdata/throwaway-rsa%d.pem", bits)
	text, err := published.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("testpeer: no RSA key of %d bits: %w", bits, err)
	}
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return nil, fmt.Errorf("testpeer: %s is not PEM", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("testpeer: %s: %w", name, err)
	}
	return key.(*rsa.PrivateKey), nil
}

var freshKeys struct {
	sync.Mutex
	bySize map[int]*rsa.PrivateKey
}

func freshRSA(bits int) (crypto.Signer, error) {
	freshKeys.Lock()
	defer freshKeys.Unlock()
	if key := freshKeys.bySize[bits]; key != nil {
		return key, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("testpeer: RSA key of %d bits: %w", bits, err)
	}
	if freshKeys.bySize == nil {
		freshKeys.bySize = map[int]*rsa.PrivateKey{}
	}
	freshKeys.bySize[bits] = key
	return key, nil
}
