package pkcs11

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// tokenCertificate is a certificate object.
type tokenCertificate struct {
	parsed *x509.Certificate
	id     []byte
}

// certificates reads the certificates that template describes.
func (t *Token) certificates(s *session, template ...attribute) ([]tokenCertificate, error) {
	handles, err := s.find(maxObjects, append([]attribute{
		{ckaClass, uint(ckoCertificate)}, {ckaCertificateType, uint(ckcX509)},
	}, template...)...)
	if err != nil {
		return nil, err
	}
	var list []tokenCertificate
	for _, h := range handles {
		der, err := s.attribute(h, ckaValue)
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		id, err := s.attribute(h, ckaID)
		if err != nil {
			return nil, err
		}
		list = append(list, tokenCertificate{c, id})
	}
	return list, nil
}

// readKey reads what a token says of a private key. Its public half is nil if the token does
// not know it.
func (t *Token) readKey(s *session, handle uint) (*Key, error) {
	k := &Key{t: t}
	var err error
	read := func(object, typ uint) []byte {
		if err != nil {
			return nil
		}
		var value []byte
		value, err = s.attribute(object, typ)
		return value
	}
	k.typ = number(read(handle, ckaKeyType))
	k.id, k.label = read(handle, ckaID), read(handle, ckaLabel)
	k.always = isTrue(read(handle, ckaAlwaysAuthenticate), false)
	k.signs = isTrue(read(handle, ckaSign), true)
	k.decrypts = isTrue(read(handle, ckaDecrypt), true)
	for list := read(handle, ckaAllowedMechanisms); len(list) >= ulongLen; list = list[ulongLen:] {
		k.mechanisms = append(k.mechanisms, number(list[:ulongLen]))
	}
	if err != nil {
		return nil, err
	}
	pub, err := t.publicHalf(s, k, handle)
	if err != nil {
		return nil, err
	}
	if modulus := read(handle, ckaModulus); err == nil {
		k.listed = len(modulus) > 0
		k.setPublic(s, pub)
	}
	return k, err
}

// setPublic gives k its public half, and thus its abilities.
func (k *Key) setPublic(s *session, pub crypto.PublicKey) {
	k.public = pub
	has := func(m uint) bool {
		return slices.Contains(s.link.mechanisms, m) && (len(k.mechanisms) == 0 || slices.Contains(k.mechanisms, m))
	}
	need := uint(ckmRSAX509)
	if k.t.cfg.TokenUnpads {
		need = ckmRSAPKCS
	}
	_, isRSA := pub.(*rsa.PublicKey)
	k.decrypts = k.decrypts && isRSA && has(need)
	list := []iana.SignatureScheme{}
	if k.signs && pub != nil {
		list = able(pub, s.link.mechanisms, k.mechanisms)
	}
	k.schemes.Store(&list)
}

// publicHalf finds the public key of a private one: in its own attributes, in the public key
// object of the same ID, in the certificate of the same ID.
func (t *Token) publicHalf(s *session, k *Key, handle uint) (crypto.PublicKey, error) {
	if pub, err := publicFrom(s, k.typ, handle); pub != nil || err != nil {
		return pub, err
	}
	if len(k.id) == 0 {
		return nil, nil //nolint:nilnil // not known
	}
	publics, err := publicsOf(s, k)
	switch {
	case err != nil || len(publics) > 1:
		return nil, err // several pairs share the ID: a signature has to tell
	case len(publics) == 1:
		return publics[0], nil
	}
	list, err := t.certificates(s, attribute{ckaID, k.id})
	for _, c := range list {
		if pub, keyErr := subjectKey(c.parsed); keyErr == nil {
			if typ, typeErr := keyType(pub); typeErr == nil && typ == k.typ {
				return pub, nil
			}
		}
	}
	return nil, err
}

// publicsOf reads the public keys of k's type and ID, each once.
func publicsOf(s *session, k *Key) (list []crypto.PublicKey, err error) {
	objects, err := s.find(maxObjects, attribute{ckaClass, uint(ckoPublicKey)}, attribute{ckaKeyType, k.typ}, attribute{ckaID, k.id})
	for _, o := range objects {
		pub, err := publicFrom(s, k.typ, o)
		if err != nil {
			return nil, err
		}
		if pub != nil && !slices.ContainsFunc(list, func(p crypto.PublicKey) bool { return same(p, pub) }) {
			list = append(list, pub)
		}
	}
	return list, err
}

// publicFrom reads a public key from an object's attributes; nil if they do not hold one of a
// kind that is known.
func publicFrom(s *session, typ, object uint) (crypto.PublicKey, error) {
	pair := [2]uint{ckaModulus, ckaPublicExponent}
	if typ != ckkRSA {
		pair = [2]uint{ckaECParams, ckaECPoint}
	}
	first, err := s.attribute(object, pair[0])
	if err != nil {
		return nil, err
	}
	second, err := s.attribute(object, pair[1])
	if err != nil {
		return nil, err
	}
	var pub crypto.PublicKey
	err = errors.ErrUnsupported
	switch {
	case len(first) == 0 || len(second) == 0:
	case typ == ckkRSA:
		pub, err = asPublic(rsaKey(first, second))
	case typ == ckkEC || typ == ckkECEdwards:
		pub, err = curveKey(first, second)
	}
	if err == nil {
		return pub, nil
	}
	der, err := s.attribute(object, ckaPublicKeyInfo)
	if err != nil || len(der) == 0 {
		return nil, err
	}
	if pub, err = x509.ParsePKIXPublicKey(der); err != nil {
		return nil, nil //nolint:nilnil,nilerr // not known
	}
	if of, err := keyType(pub); err != nil || of != typ {
		return nil, nil //nolint:nilnil,nilerr // not known
	}
	return pub, nil
}

func asPublic(k *rsa.PublicKey, err error) (crypto.PublicKey, error) { return k, err }

// adopt makes pub the public half of k if the private key at handle signs for it, and otherwise
// leaves k as it was.
func (k *Key) adopt(s *session, handle uint, pub crypto.PublicKey) error {
	k.setPublic(s, pub)
	is, err := k.isAt(s, handle)
	if !is {
		k.setPublic(s, nil)
	}
	return err
}

// isAt reports whether the private key at handle is k's, by a signature, and if so remembers it
// for s.
func (k *Key) isAt(s *session, handle uint) (bool, error) {
	var opts crypto.SignerOpts = crypto.SHA256
	if k.typ == ckkECEdwards {
		opts = crypto.Hash(0)
	}
	g, err := newSigning(k.public, make([]byte, 32), opts)
	if err != nil {
		return false, err
	}
	s.keys[k] = handle
	out, err := k.sign(s, g)
	if err == nil && g.verifies(k.public, out) {
		return true, nil
	}
	delete(s.keys, k)
	if errors.Is(err, ErrBadSignature) {
		err = nil
	}
	return false, err
}

// identify finds the public half of k, at handle, among those of its ID.
func (t *Token) identify(s *session, k *Key, handle uint) error {
	if len(k.id) == 0 {
		return nil
	}
	list, err := publicsOf(s, k)
	for _, pub := range list {
		if err = k.adopt(s, handle, pub); err != nil || k.public != nil {
			break
		}
	}
	return err
}

// handle finds the private key in session s, once.
func (k *Key) handle(s *session) (uint, error) {
	if h, ok := s.keys[k]; ok {
		return h, nil
	}
	template := []attribute{{ckaClass, uint(ckoPrivateKey)}, {ckaKeyType, k.typ}}
	switch {
	case len(k.id) > 0:
		template = append(template, attribute{ckaID, k.id})
	case len(k.label) > 0:
		template = append(template, attribute{ckaLabel, k.label})
	}
	if pub, ok := k.public.(*rsa.PublicKey); ok && k.listed {
		template = append(template, attribute{ckaModulus, pub.N.Bytes()})
	}
	found, err := s.find(maxObjects, template...)
	if err != nil {
		return 0, err
	}
	for _, h := range found {
		if len(found) > 1 && k.public != nil && k.typ != ckkRSA {
			pub, err := publicFrom(s, k.typ, h)
			is := same(pub, k.public)
			if err == nil && pub == nil {
				is, err = k.isAt(s, h)
			}
			if err != nil {
				return 0, err
			}
			if !is {
				continue
			}
		}
		s.keys[k] = h
		k.t.mu.Lock()
		k.absence.pause, k.t.absence.pause = 0, 0
		k.t.mu.Unlock()
		return h, nil
	}
	return 0, &missingKey{k.String(), &k.absence}
}

// missingKey is the ErrNoKey of a key that was there, or of a token without any.
type missingKey struct {
	name    string
	absence *absence
}

func (e *missingKey) Error() string { return fmt.Sprintf("%v: %s", ErrNoKey, e.name) }
func (e *missingKey) Unwrap() error { return ErrNoKey }

// ulongLen is the length in bytes of a CK_ULONG.
const ulongLen = strconv.IntSize / 8

// number reads a CK_ULONG.
func number(b []byte) uint {
	switch len(b) {
	case 4:
		return uint(binary.NativeEndian.Uint32(b))
	case 8:
		return uint(binary.NativeEndian.Uint64(b))
	}
	return 0
}

func isTrue(b []byte, absent bool) bool {
	if len(b) == 0 {
		return absent
	}
	return b[0] != 0
}
