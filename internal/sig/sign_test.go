package sig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// keyFor returns the keys that can sign with s in TLS 1.2.
func keysFor(s *Scheme) []crypto.Signer {
	switch s.algorithm.(type) {
	case ecdsaKey:
		return []crypto.Signer{p256(), p384(), p521()}
	case ed25519Key:
		return []crypto.Signer{edwards()}
	}
	return []crypto.Signer{rsa2048()}
}

func TestSignAndVerify(t *testing.T) {
	message := []byte("what is signed")
	for i := range table {
		s := &table[i]
		for _, key := range keysFor(s) {
			pub := key.Public()
			digest := s.Digest(nil, message)
			for _, from := range []string{"digest and message", "digest", "message"} {
				d, m := digest, message
				if from == "digest" && s.Hash != 0 {
					m = nil
				}
				if from == "message" {
					d = nil
				}
				name := fmt.Sprintf("%v with %s, from %s", s.ID, describe(pub), from)
				signature, err := s.Sign(nil, key, d, m)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if err := s.CheckShape(pub, signature); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if err := s.Verify(pub, d, m, signature); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if len(signature) > MaxSignatureLen {
					t.Errorf("%s: %d bytes, MaxSignatureLen is %d", name, len(signature), MaxSignatureLen)
				}
				wantOwnVerifier(t, name, s, pub, message, signature)
				for _, bad := range []struct {
					what      string
					message   []byte
					signature []byte
				}{
					{"a flipped bit", message, flip(signature, len(signature)-1)},
					{"the last byte gone", message, signature[:len(signature)-1]},
					{"a byte more", message, append(bytes.Clone(signature), 0)},
					{"no signature", message, nil},
					{"another message", []byte("what is not"), signature},
				} {
					err := s.Verify(pub, nil, bad.message, bad.signature)
					wantAlert(t, name+", "+bad.what, err, iana.DecryptError,
						fmt.Sprintf("sig: peer's %v signature of %d bytes is not valid for %s", s.ID, len(bad.signature), describe(pub)))
				}
			}
		}
	}
}

// wantOwnVerifier has the standard library verify a signature of s, with options written
// down here.
func wantOwnVerifier(t *testing.T, name string, s *Scheme, pub crypto.PublicKey, message, signature []byte) {
	t.Helper()
	ok := false
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(k, s.Digest(nil, message), signature)
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, message, signature)
	case *rsa.PublicKey:
		if strings.HasPrefix(s.ID.String(), "rsa_pss_") {
			opts := &rsa.PSSOptions{SaltLength: s.Hash.Size()}
			ok = rsa.VerifyPSS(k, s.Hash, s.Digest(nil, message), signature, opts) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, s.Hash, s.Digest(nil, message), signature) == nil
		}
	}
	if !ok {
		t.Errorf("%s: the standard library refuses the signature", name)
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func wantAlert(t *testing.T, name string, err error, alert iana.Alert, sentence string) {
	t.Helper()
	var v *VerifyError
	switch {
	case err == nil:
		t.Errorf("%s: verified", name)
	case !errors.As(err, &v) || v.Alert() != alert || err.Error() != sentence:
		t.Errorf("%s:\n got %v\nwant %s, %v", name, err, sentence, alert)
	}
}

func TestVerifyRefusesKeys(t *testing.T) {
	for _, c := range []struct {
		sentence string
		id       iana.SignatureScheme
		pub      crypto.PublicKey
		alert    iana.Alert
		want     string
	}{
		{"ECDSA with an RSA key", iana.ECDSASecp256r1SHA256, modulus(2048), iana.IllegalParameter,
			"sig: peer's ecdsa_secp256r1_sha256 signature of 3 bytes cannot be from an RSA key of 2048 bits"},
		{"RSA with an ECDSA key", iana.RSAPSSRSAESHA256, p256().Public(), iana.IllegalParameter,
			"sig: peer's rsa_pss_rsae_sha256 signature of 3 bytes cannot be from an ECDSA key on P-256"},
		{"ECDSA on a curve that is not ours", iana.ECDSASHA224, p224().Public(), iana.IllegalParameter,
			"sig: peer's ecdsa_sha224 signature of 3 bytes cannot be from an ECDSA key on P-224"},
		{"Ed25519 with a short key", iana.Ed25519, make(ed25519.PublicKey, 31), iana.IllegalParameter,
			"sig: peer's ed25519 signature of 3 bytes cannot be from an Ed25519 key of 31 bytes"},
		{"no key, as of a certificate that crypto/x509 cannot read", iana.RSAPSSPSSSHA256, nil, iana.IllegalParameter,
			"sig: peer's rsa_pss_pss_sha256 signature of 3 bytes cannot be from a key of type <nil>"},
		{"an empty PSS key", iana.RSAPSSPSSSHA256, PSSPublicKey{}, iana.IllegalParameter,
			"sig: peer's rsa_pss_pss_sha256 signature of 3 bytes cannot be from a key of type sig.PSSPublicKey"},
		{"an RSA key too small", iana.RSAPKCS1SHA256, modulus(1023), iana.BadCertificate,
			"sig: peer's rsa_pkcs1_sha256 signature of 3 bytes is from an RSA key of 1023 bits, out of 1024 to 8192"},
		{"an RSA key too large", iana.RSAPSSRSAESHA256, modulus(8193), iana.BadCertificate,
			"sig: peer's rsa_pss_rsae_sha256 signature of 3 bytes is from an RSA key of 8193 bits, out of 1024 to 8192"},
		{"a PSS key too large", iana.RSAPSSPSSSHA256, PSSPublicKey{RSA: modulus(16384)}, iana.BadCertificate,
			"sig: peer's rsa_pss_pss_sha256 signature of 3 bytes is from an RSA key of 16384 bits, out of 1024 to 8192"},
		{"an even modulus", iana.RSAPKCS1SHA256, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, iana.DecryptError,
			"sig: peer's rsa_pkcs1_sha256 signature of 3 bytes is not valid for an RSA key of 2048 bits"},
		{"an exponent of 1", iana.RSAPKCS1SHA256, &rsa.PublicKey{N: modulus(2048).N, E: 1}, iana.DecryptError,
			"sig: peer's rsa_pkcs1_sha256 signature of 3 bytes is not valid for an RSA key of 2048 bits"},
	} {
		err := Lookup(c.id).Verify(c.pub, nil, []byte("message"), []byte("sig"))
		wantAlert(t, c.sentence, err, c.alert, c.want)
	}
}

func TestVerifyWithPSSKey(t *testing.T) {
	s, message := Lookup(iana.RSAPSSPSSSHA256), []byte("message")
	signature, err := s.Sign(nil, rsa2048(), nil, message)
	if err != nil {
		t.Fatal(err)
	}
	pub := PSSPublicKey{RSA: rsa2048().Public().(*rsa.PublicKey)}
	if err := s.Verify(pub, nil, message, signature); err != nil {
		t.Error(err)
	}
	if err := s.CheckShape(pub, signature); err != nil {
		t.Error(err)
	}
	pub.RSA = other().Public().(*rsa.PublicKey)
	if err := s.Verify(pub, nil, message, signature); err == nil {
		t.Error("another key verified the signature")
	}
}

// asked is what a recorder was asked to sign.
type asked struct {
	rand   io.Reader
	input  string
	opts   crypto.SignerOpts
	asText bool
}

// recorder is a crypto.Signer that notes what it is asked.
type recorder struct {
	pub   crypto.PublicKey
	asked []asked
	err   error
}

func (r *recorder) Public() crypto.PublicKey { return r.pub }

func (r *recorder) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.asked = append(r.asked, asked{rand, string(digest), opts, false})
	return []byte("signature"), r.err
}

// messageRecorder is a crypto.MessageSigner that notes what it is asked.
type messageRecorder struct{ recorder }

func (r *messageRecorder) SignMessage(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.asked = append(r.asked, asked{rand, string(message), opts, true})
	return []byte("signature"), r.err
}

func TestSignAsks(t *testing.T) {
	var (
		message = []byte("message")
		own     = bytes.NewReader(nil)
		ecdsa   = Lookup(iana.ECDSASecp256r1SHA256)
		pss     = Lookup(iana.RSAPSSRSAESHA384)
		ed      = Lookup(iana.Ed25519)
	)
	for _, c := range []struct {
		sentence        string
		s               *Scheme
		pub             crypto.PublicKey
		messageSigner   bool
		rand            io.Reader
		digest, message []byte
		want            asked
	}{
		{"a Signer gets the digest that is there", ecdsa, p256().Public(), false, nil, bytes.Repeat([]byte{5}, 32), message,
			asked{rand.Reader, strings.Repeat("\x05", 32), crypto.SHA256, false}},
		{"a Signer gets the message's digest where there is none", ecdsa, p256().Public(), false, nil, nil, message,
			asked{rand.Reader, string(ecdsa.Digest(nil, message)), crypto.SHA256, false}},
		{"a Signer gets the digest of an empty message", ecdsa, p256().Public(), false, nil, nil, []byte{},
			asked{rand.Reader, string(ecdsa.Digest(nil, nil)), crypto.SHA256, false}},
		{"a MessageSigner gets the message", ecdsa, p256().Public(), true, nil, bytes.Repeat([]byte{5}, 32), message,
			asked{rand.Reader, "message", crypto.SHA256, true}},
		{"a MessageSigner gets the digest if that is all", ecdsa, p256().Public(), true, nil, bytes.Repeat([]byte{5}, 32), nil,
			asked{rand.Reader, strings.Repeat("\x05", 32), crypto.SHA256, false}},
		{"PSS comes with its options", pss, modulus(2048), false, nil, bytes.Repeat([]byte{5}, 48), message,
			asked{rand.Reader, strings.Repeat("\x05", 48), pss.SignerOpts(), false}},
		{"Ed25519 signs the message", ed, edwards().Public(), false, nil, nil, message,
			asked{rand.Reader, "message", crypto.Hash(0), false}},
		{"Ed25519 does not look at a digest", ed, edwards().Public(), false, nil, []byte("digest"), message,
			asked{rand.Reader, "message", crypto.Hash(0), false}},
		{"the caller's source of randomness is passed on", ecdsa, p256().Public(), false, own, nil, message,
			asked{own, string(ecdsa.Digest(nil, message)), crypto.SHA256, false}},
	} {
		r := &messageRecorder{recorder{pub: c.pub}}
		var key crypto.Signer = r
		if !c.messageSigner {
			key = &r.recorder
		}
		got, err := c.s.Sign(c.rand, key, c.digest, c.message)
		if err != nil || string(got) != "signature" {
			t.Errorf("%s: %q, %v", c.sentence, got, err)
		}
		if len(r.asked) != 1 || r.asked[0] != c.want {
			t.Errorf("%s: asked %+v, want %+v", c.sentence, r.asked, c.want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	broken := errors.New("token was removed")
	for _, c := range []struct {
		sentence        string
		id              iana.SignatureScheme
		key             crypto.PrivateKey
		digest, message []byte
		want            string
	}{
		{"no key", iana.Ed25519, nil, nil, []byte("m"),
			"sig: sign with ed25519: a key of type <nil> is no crypto.Signer"},
		{"a key that cannot sign", iana.Ed25519, struct{}{}, nil, []byte("m"),
			"sig: sign with ed25519: a key of type struct {} is no crypto.Signer"},
		{"ECDSA with an RSA key", iana.ECDSASecp256r1SHA256, rsa2048(), nil, []byte("m"),
			"sig: sign with ecdsa_secp256r1_sha256: the key is an RSA key of 2048 bits"},
		{"RSA with an ECDSA key", iana.RSAPSSRSAESHA256, p256(), nil, []byte("m"),
			"sig: sign with rsa_pss_rsae_sha256: the key is an ECDSA key on P-256"},
		{"a key that does not say what it is", iana.RSAPSSRSAESHA256, &recorder{}, nil, []byte("m"),
			"sig: sign with rsa_pss_rsae_sha256: the key is a key of type <nil>"},
		{"a digest of another hash", iana.ECDSASecp256r1SHA256, p256(), make([]byte, 48), []byte("m"),
			"sig: sign with ecdsa_secp256r1_sha256: digest of 48 bytes, SHA-256 has 32"},
		{"neither digest nor message", iana.ECDSASecp256r1SHA256, p256(), nil, nil,
			"sig: sign with ecdsa_secp256r1_sha256: digest and message are missing"},
		{"Ed25519 without the message", iana.Ed25519, edwards(), make([]byte, 64), nil,
			"sig: sign with ed25519: the message is missing"},
		{"a key that fails", iana.Ed25519, &recorder{pub: edwards().Public(), err: broken}, nil, []byte("m"),
			"sig: sign with ed25519: token was removed"},
	} {
		got, err := Lookup(c.id).Sign(nil, c.key, c.digest, c.message)
		if got != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %q, %v\nwant %s", c.sentence, got, err, c.want)
		}
		var peer interface{ Alert() iana.Alert }
		if errors.As(err, &peer) {
			t.Errorf("%s: blames the peer", c.sentence)
		}
		if r, ok := c.key.(*recorder); ok && r.err != nil && !errors.Is(err, broken) {
			t.Errorf("%s: the key's error is not in the chain", c.sentence)
		}
	}
	err := Lookup(iana.ECDSASecp256r1SHA256).Verify(p256().Public(), make([]byte, 31), nil, nil)
	if want := "sig: verify with ecdsa_secp256r1_sha256: digest of 31 bytes, SHA-256 has 32"; err == nil || err.Error() != want {
		t.Errorf("verify a digest of 31 bytes: %v, want %s", err, want)
	}
}

// TestRSALimits signs and verifies with real keys of the lengths that are special.
func TestRSALimits(t *testing.T) {
	message := []byte("message")
	k := must(rsa.GenerateKey(rand.Reader, 1024))
	for i := range table {
		s := &table[i]
		if !s.Fits(k.Public(), iana.TLS12) {
			continue
		}
		signature, err := s.Sign(nil, k, nil, message)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(k.Public(), nil, message, signature); err != nil {
			t.Error(err)
		}
	}
	// What Fits says of 1034 bits is so.
	odd := must(rsa.GenerateKey(rand.Reader, 1034))
	s := Lookup(iana.RSAPSSRSAESHA512)
	signature, err := s.Sign(nil, odd, nil, message)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(odd.Public(), nil, message, signature); err != nil {
		t.Error(err)
	}
	if _, err := s.Sign(nil, k, nil, message); err == nil {
		t.Error("1024 bits signed with PSS and SHA-512")
	}
}
