package handshake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/sig"
)

// Signatures are made and checked alike in all messages and versions: here, or by the
// application.

// signMessage asks for a signature over message, which is lent, and goes on with then. A key at hand and
// no hook for it answers at once, without a wait; the record ends here either way.
func (m *Machine) signMessage(cert *certs.Certificate, id iana.SignatureScheme, message []byte, then func(*Machine, []byte) (state, error)) (state, error) {
	if !m.cfg.Asks.Has(AskPrivateKey) {
		m.endRecord()
		signature, err := m.signInline(cert, sig.Lookup(id), message)
		if err != nil {
			return nil, err
		}
		return then(m, signature)
	}
	role := asyncpkey.Server
	if m.client {
		role = asyncpkey.Client
	}
	op, err := asyncpkey.NewOp(asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: id, Message: message,
		Certificate: cert.Leaf, PublicKey: cert.PublicKey(),
		Role: role, ServerName: m.Result.ServerName, Mode: m.cfg.Validation,
	})
	if err != nil {
		return nil, internal(err, "a signature cannot be asked for")
	}
	return ask(m, AskPrivateKey, nil, op, then), nil
}

func (m *Machine) signInline(cert *certs.Certificate, scheme *sig.Scheme, message []byte) ([]byte, error) {
	if cert.PrivateKey == nil {
		return nil, internal(nil, "the certificate for %q has no private key, and there is no hook to ask for its signature", cert.Leaf.Subject)
	}
	if scheme == nil { // the key has learned of a limit since its certificate was selected
		return nil, internal(nil, "the key of the certificate for %q signs by no scheme of the peer's any more", cert.Leaf.Subject)
	}
	room := m.work.digest[:0]
	if !isStandard(cert.PrivateKey) { // it may give up on its token, which still reads, and returns
		room, message = nil, slices.Clone(message)
	}
	digest := digestOf(scheme, room, message)
	var signature []byte
	var err error
	if key, ok := cert.PrivateKey.(*ecdsa.PrivateKey); ok && m.cfg.Rand != nil {
		signature, err = key.Sign(nil, digest, scheme.SignerOpts()) // deterministic: RFC 6979
	} else {
		signature, err = scheme.Sign(rand.Reader, cert.PrivateKey, digest, message)
	}
	if err == nil {
		err = scheme.CheckShape(cert.PublicKey(), signature)
	}
	if err == nil && m.cfg.VerifyAfterSign && scheme.Verify(cert.PublicKey(), digest, message, signature) != nil {
		err = asyncpkey.ErrVerifySignature
	}
	if err != nil {
		return nil, internal(err, "signing with %v failed", scheme.ID)
	}
	return signature, nil
}

// isStandard reports whether a private key is one of the standard library, which keeps nothing of what it signs.
func isStandard(key crypto.PrivateKey) bool {
	switch key.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return false
}

// digestOf puts the digest that scheme signs into room: nil for a scheme that signs the message itself.
func digestOf(scheme *sig.Scheme, room, message []byte) []byte {
	if scheme.Hash == 0 {
		return nil
	}
	return scheme.Digest(room, message)
}

// checkSignature verifies the peer's signature over message, which is lent, here or by the
// application, and goes on with then.
func (m *Machine) checkSignature(scheme *sig.Scheme, key any, message, signature []byte, then func(*Machine, Verdict) (state, error)) (state, error) {
	m.Result.PeerScheme = scheme.ID
	if m.cfg.Asks.Has(AskVerifySignature) {
		check := &SignatureCheck{Scheme: scheme.ID, PublicKey: key, Message: slices.Clone(message), Signature: slices.Clone(signature)}
		return ask(m, AskVerifySignature, check, new(async.Op[Verdict]), then), nil
	}
	verdict := Verdict{}
	if err := scheme.Verify(key, digestOf(scheme, m.work.digest[:0], message), message, signature); err != nil {
		verdict = Reject(err)
	}
	return then(m, verdict)
}

// Verify checks the signature: nil means that it is the key's. It is meant to be the
// answer, or its reason, of the operation that came with the SignatureCheck.
func (c *SignatureCheck) Verify() error {
	return sig.Lookup(c.Scheme).Verify(c.PublicKey, nil, c.Message, c.Signature)
}

// Verdict calls Verify and returns what to answer: Accept, or Reject with the reason.
func (c *SignatureCheck) Verdict() Verdict {
	if err := c.Verify(); err != nil {
		return Reject(err)
	}
	return Verdict{}
}
