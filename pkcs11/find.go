package pkcs11

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
)

// maxObjects bounds a search in a token.
const maxObjects = 256

// Key finds the one private key that uri describes by its object and id; "" takes those of
// Config.URI. uri may name the certificate or the public key as well. Errors: ErrNoKey, those of
// ParseURI, several keys that fit.
func (t *Token) Key(uri string) (*Key, error) {
	u := t.uri
	if uri != "" {
		var err error
		if u, err = ParseURI(uri); err != nil {
			return nil, err
		}
	}
	k, err := do(t, context.Background(), func(s *session) (*Key, error) { return t.findKey(s, u) })
	if err != nil {
		return nil, err
	}
	return t.keep(k), nil
}

// KeyOf finds the private half of pub: by CKA_MODULUS, by CKA_EC_POINT and the CKA_ID that goes
// with it, or by trying. Errors: ErrNoKey.
func (t *Token) KeyOf(pub crypto.PublicKey) (*Key, error) {
	if k := t.known(pub); k != nil {
		return k, nil
	}
	return do(t, context.Background(), func(s *session) (*Key, error) { return t.keyOf(s, pub) })
}

// KeyFor finds the private key that belongs to a certificate. Errors: ErrNoKey.
func (t *Token) KeyFor(c *x509.Certificate) (*Key, error) {
	pub, err := subjectKey(c)
	if err != nil {
		return nil, err
	}
	return t.KeyOf(pub)
}

// Keys lists the token's private keys whose public half is known, at most 256.
func (t *Token) Keys() ([]*Key, error) {
	found, err := do(t, context.Background(), func(s *session) ([]*Key, error) {
		handles, err := s.find(maxObjects, attribute{ckaClass, uint(ckoPrivateKey)})
		if err != nil {
			return nil, err
		}
		var keys []*Key
		for _, h := range handles {
			k, err := t.readKey(s, h)
			if err == nil && k.public == nil {
				err = t.identify(s, k, h)
			}
			if err != nil {
				return nil, err
			}
			if k.public != nil {
				keys = append(keys, k)
			}
		}
		return keys, nil
	})
	for i, k := range found {
		found[i] = t.keep(k)
	}
	return found, err
}

// Certificates returns the X.509 certificates that uri describes by its object and id, "" taking
// those of Config.URI. What does not parse is left out. There may be none.
func (t *Token) Certificates(uri string) ([]*x509.Certificate, error) {
	u := t.uri
	if uri != "" {
		var err error
		if u, err = ParseURI(uri); err != nil {
			return nil, err
		}
	}
	return do(t, context.Background(), func(s *session) ([]*x509.Certificate, error) {
		found, err := t.certificates(s, u.template()...)
		var list []*x509.Certificate
		for _, c := range found {
			list = append(list, c.parsed)
		}
		return list, err
	})
}

// template is what u says of an object.
func (u *URI) template() []attribute {
	var list []attribute
	if u.ID != nil {
		list = append(list, attribute{ckaID, u.ID})
	}
	if u.Object != "" {
		list = append(list, attribute{ckaLabel, []byte(u.Object)})
	}
	return list
}

// known is the Key of pub that was found before.
func (t *Token) known(pub crypto.PublicKey) *Key {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.keys {
		if same(k.public, pub) {
			return k
		}
	}
	return nil
}

// keep remembers k, or returns the Key that is remembered already.
func (t *Token) keep(k *Key) *Key {
	if old := t.known(k.public); old != nil {
		return old
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.keys) < maxObjects {
		t.keys = append(t.keys, k)
	}
	return k
}

// findKey finds a private key by u. NSS keeps labels with certificates only: those lead to the
// key by its ID.
func (t *Token) findKey(s *session, u *URI) (*Key, error) {
	private := attribute{ckaClass, uint(ckoPrivateKey)}
	handles, err := s.find(maxObjects, append(u.template(), private)...)
	if err != nil {
		return nil, err
	}
	if len(handles) == 0 && u.Object != "" {
		if handles, err = t.throughPublic(s, u); err != nil {
			return nil, err
		}
	}
	var found *Key
	for _, h := range handles {
		k, err := t.readKey(s, h)
		if err == nil && k.public == nil {
			err = t.identify(s, k, h)
		}
		switch {
		case err != nil:
			return nil, err
		case k.public == nil:
			return nil, fmt.Errorf("pkcs11: the token has private key %q with ID %x, but neither its public key nor its certificate: use KeyFor",
				k.label, k.id)
		case found != nil && !same(found.public, k.public):
			return nil, fmt.Errorf("pkcs11: %d private keys fit %v, among them %v and %v", len(handles), u, found, k)
		}
		found = k
	}
	if found == nil {
		return nil, fmt.Errorf("%w as %v", ErrNoKey, u)
	}
	return found, nil
}

// throughPublic finds private keys by the label of their certificate or public key.
func (t *Token) throughPublic(s *session, u *URI) ([]uint, error) {
	for _, class := range []uint{ckoCertificate, ckoPublicKey} {
		objects, err := s.find(maxObjects, append(u.template(), attribute{ckaClass, class})...)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			id, err := s.attribute(o, ckaID)
			if err != nil {
				return nil, err
			}
			if len(id) == 0 {
				continue
			}
			handles, err := s.find(maxObjects, attribute{ckaClass, uint(ckoPrivateKey)}, attribute{ckaID, id})
			if err != nil || len(handles) > 0 {
				return handles, err
			}
		}
	}
	return nil, nil
}

// keyOf finds the private half of pub and remembers it. What a candidate's own attributes do not
// prove, its signature does.
func (t *Token) keyOf(s *session, pub crypto.PublicKey) (*Key, error) {
	if k := t.known(pub); k != nil {
		return k, nil
	}
	typ, err := keyType(pub)
	if err != nil {
		return nil, err
	}
	tried := map[uint]bool{}
	for _, candidates := range t.searches(s, pub, typ) {
		handles, err := candidates()
		if err != nil {
			return nil, err
		}
		for _, h := range handles {
			if tried[h] {
				continue
			}
			tried[h] = true
			k, err := t.readKey(s, h)
			if err != nil {
				return nil, err
			}
			if k.public == nil && k.typ == typ {
				if err = k.adopt(s, h, pub); err != nil {
					return nil, err
				}
			}
			if same(k.public, pub) {
				return t.keep(k), nil
			}
		}
	}
	if any, err := s.find(1, attribute{ckaClass, uint(ckoPrivateKey)}); err != nil {
		return nil, err
	} else if len(any) == 0 {
		return nil, &missingKey{"it has none at all", &t.absence}
	}
	return nil, fmt.Errorf("%w for the %T", ErrNoKey, pub)
}

// searches are the ways to a private key, the cheap ones first.
func (t *Token) searches(s *session, pub crypto.PublicKey, typ uint) []func() ([]uint, error) {
	private, of := attribute{ckaClass, uint(ckoPrivateKey)}, attribute{ckaKeyType, typ}
	byID := func(id []byte, err error) ([]uint, error) {
		if err != nil || len(id) == 0 {
			return nil, err
		}
		return s.find(maxObjects, private, of, attribute{ckaID, id})
	}
	var ways []func() ([]uint, error)
	if k, ok := pub.(*rsa.PublicKey); ok {
		modulus := k.N.Bytes()
		sum := sha1.Sum(modulus)
		ways = append(ways,
			func() ([]uint, error) { return s.find(maxObjects, private, of, attribute{ckaModulus, modulus}) },
			func() ([]uint, error) { return byID(sum[:], nil) })
	}
	for _, point := range points(pub) {
		sum := sha1.Sum(point)
		ways = append(ways,
			func() ([]uint, error) {
				objects, err := s.find(1, attribute{ckaClass, uint(ckoPublicKey)}, of, attribute{ckaECPoint, point})
				if err != nil || len(objects) == 0 {
					return nil, err
				}
				return byID(s.attribute(objects[0], ckaID))
			},
			func() ([]uint, error) { return byID(sum[:], nil) })
	}
	return append(ways,
		func() ([]uint, error) {
			list, err := t.certificates(s)
			for _, c := range list {
				if k, keyErr := subjectKey(c.parsed); keyErr == nil && same(k, pub) {
					return byID(c.id, nil)
				}
			}
			return nil, err
		},
		func() ([]uint, error) { return s.find(maxObjects, private, of) })
}
