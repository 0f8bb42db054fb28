package pkcs11

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// decryption is one PKCS #1 v1.5 decryption as a token is asked for it.
type decryption struct {
	ciphertext []byte
	length     int // of the plaintext, in bytes
}

// newDecryption checks what everybody can see: the ciphertext is a number below the modulus, of
// its length.
func (k *Key) newDecryption(ciphertext []byte, length int) (*decryption, error) {
	pub, ok := k.public.(*rsa.PublicKey)
	if !ok || !k.decrypts {
		return nil, fmt.Errorf("pkcs11: %v does not decrypt", k)
	}
	size := pub.Size()
	switch {
	case len(ciphertext) != size:
		return nil, fmt.Errorf("pkcs11: a ciphertext of %d bytes is not as long as the modulus, %d", len(ciphertext), size)
	case bytes.Compare(ciphertext, pub.N.FillBytes(make([]byte, size))) >= 0:
		return nil, fmt.Errorf("pkcs11: a ciphertext is no number below the modulus")
	case length > size-minPadding:
		return nil, fmt.Errorf("pkcs11: %d bytes do not fit a modulus of %d", length, size)
	}
	return &decryption{ciphertext, length}, nil
}

// decrypt returns the plaintext if it has the right length, else as many random bytes. Which of
// the two takes no branch.
func (k *Key) decrypt(s *session, d *decryption) ([]byte, error) {
	if k.t.cfg.TokenUnpads {
		return k.decryptUnpadded(s, d)
	}
	padded, err := k.run(s, ckmRSAX509, d.ciphertext)
	if err != nil {
		return nil, err // a bare RSA operation does not fail by what it finds
	}
	defer clear(padded)
	size := len(d.ciphertext)
	if len(padded) > size {
		return nil, fmt.Errorf("pkcs11: the token decrypted %d bytes to %d", size, len(padded))
	}
	if len(padded) < size { // a token that drops leading zeros, of which there is always one
		whole := make([]byte, size)
		copy(whole[size-len(padded):], padded)
		defer clear(whole)
		padded = whole
	}
	out := make([]byte, d.length)
	rand.Read(out)
	unpadCT(out, padded)
	return out, nil
}

// decryptUnpadded lets the token take the padding off. Its answer, an error as well, only
// chooses the bytes; good or bad, the session is closed afterwards and nothing is done again.
func (k *Key) decryptUnpadded(s *session, d *decryption) ([]byte, error) {
	s.spent = true
	out := make([]byte, d.length)
	rand.Read(out)
	handle, err := k.handle(s)
	if err == nil {
		err = s.decryptInit(ckmRSAPKCS, handle)
	}
	if err == nil {
		err = k.authenticate(s)
	}
	if err != nil {
		return nil, err
	}
	plain, _ := s.decrypt(d.ciphertext)
	chooseCT(out, plain)
	clear(plain)
	return out, nil
}

// run decrypts by a mechanism without parameters.
func (k *Key) run(s *session, mechanism uint, ciphertext []byte) ([]byte, error) {
	handle, err := k.handle(s)
	if err != nil {
		return nil, err
	}
	if err = s.decryptInit(mechanism, handle); err != nil {
		return nil, err
	}
	if err = k.authenticate(s); err != nil {
		return nil, err
	}
	return s.decrypt(ciphertext)
}

func (s *session) decryptInit(typ, key uint) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return called("C_DecryptInit", s.m.lib.DecryptInit(s.handle, mechanism{typ: typ}, key))
}

func (s *session) decrypt(data []byte) ([]byte, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	out, err := s.m.lib.Decrypt(s.handle, data)
	return out, called("C_Decrypt", err)
}
