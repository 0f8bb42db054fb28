package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
)

// sign makes one signature in session s.
func (k *Key) sign(s *session, g *signing) ([]byte, error) {
	if !k.signs {
		return nil, fmt.Errorf("pkcs11: %v may not sign (CKA_SIGN)", k)
	}
	handle, err := k.handle(s)
	if err != nil {
		return nil, err
	}
	if err = s.signInit(g.mechanism(), handle); err != nil {
		if errors.Is(err, MechanismInvalid) || errors.Is(err, MechanismParamInvalid) {
			k.refuseScheme(g)
		}
		return nil, err
	}
	if err = k.authenticate(s); err != nil {
		return nil, err
	}
	out, err := s.sign(g.data(k.public))
	if err != nil {
		return nil, err
	}
	if g.family == ecdsaFamily {
		if out, err = ecdsaDER(out, orderLen(k.public.(*ecdsa.PublicKey))); err != nil {
			return nil, err
		}
	}
	if !k.t.cfg.SkipVerify && !g.verifies(k.public, out) {
		return nil, ErrBadSignature
	}
	return out, nil
}

// authenticate gives the PIN for one use of a key that wants it each time.
func (k *Key) authenticate(s *session) error {
	if !k.always {
		return nil
	}
	i := s.link.info
	return k.t.login(s, ckuContextSpecific, PINRequest{Token: i.label, Serial: i.serial, Key: string(k.label)},
		i.flags&ckfProtectedAuthenticationPath != 0)
}

// verifies reports whether out is g's signature.
func (g *signing) verifies(pub crypto.PublicKey, out []byte) bool {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if g.family == pss {
			return rsa.VerifyPSS(k, g.hash, g.input, out, &rsa.PSSOptions{SaltLength: g.salt}) == nil
		}
		return rsa.VerifyPKCS1v15(k, g.hash, g.input, out) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, g.input, out)
	case ed25519.PublicKey:
		return ed25519.Verify(k, g.input, out)
	}
	return false
}

func (s *session) signInit(m mechanism, key uint) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return called("C_SignInit", s.m.lib.SignInit(s.handle, m, key))
}

func (s *session) sign(data []byte) ([]byte, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	out, err := s.m.lib.Sign(s.handle, data)
	return out, called("C_Sign", err)
}

// ecdsaDER turns r and s, as tokens return them, into Ecdsa-Sig-Value (RFC 3279, Section
// 2.2.3). n is the length in bytes of the curve's order.
func ecdsaDER(raw []byte, n int) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 || len(raw) > 2*n {
		return nil, fmt.Errorf("pkcs11: %d bytes are no ECDSA signature of twice %d: %w", len(raw), n, ErrBadSignature)
	}
	half := len(raw) / 2
	body := appendInteger(appendInteger(make([]byte, 0, len(raw)+16), raw[:half]), raw[half:])
	der := make([]byte, 0, len(body)+4)
	der = append(der, 0x30)
	if len(body) >= 0x80 {
		der = append(der, 0x81) // at most 2*(66+3) bytes
	}
	return append(append(der, byte(len(body))), body...), nil
}

// appendInteger appends an ASN.1 INTEGER. Signatures are public: nothing is hidden here.
func appendInteger(der, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0] >= 0x80 {
		der = append(der, 2, byte(len(n)+1), 0)
	} else {
		der = append(der, 2, byte(len(n)))
	}
	return append(der, n...)
}
