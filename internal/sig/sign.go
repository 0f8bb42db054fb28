package sig

import (
	"crypto"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
)

// Sign asks key, a crypto.Signer, for a signature with s: of message if key is a
// crypto.MessageSigner or s is Ed25519, else of digest. A nil digest is computed from
// message; message may be nil where it is not needed. A nil rand means crypto/rand. The
// signature is what the key gave: CheckShape and Verify tell whether it is one.
func (s *Scheme) Sign(rand io.Reader, key crypto.PrivateKey, digest, message []byte) ([]byte, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("sig: sign with %v: a key of type %T is no crypto.Signer", s.ID, key)
	}
	if pub := signer.Public(); !s.algorithm.owns(pub) {
		return nil, fmt.Errorf("sig: sign with %v: the key is %s", s.ID, describe(pub))
	}
	if rand == nil {
		rand = cryptorand.Reader
	}
	signature, err := s.sign(rand, signer, digest, message)
	if err != nil {
		return nil, fmt.Errorf("sig: sign with %v: %w", s.ID, err)
	}
	return signature, nil
}

func (s *Scheme) sign(rand io.Reader, signer crypto.Signer, digest, message []byte) ([]byte, error) {
	if m, ok := signer.(crypto.MessageSigner); ok && message != nil {
		return m.SignMessage(rand, message, s.opts)
	}
	input, err := s.input(digest, message)
	if err != nil {
		return nil, err
	}
	return signer.Sign(rand, input, s.opts)
}

var (
	errNoMessage = errors.New("the message is missing")
	errNoDigest  = errors.New("digest and message are missing")
)

// input returns what the algorithm signs: the digest, or the message where there is none.
func (s *Scheme) input(digest, message []byte) ([]byte, error) {
	switch {
	case s.Hash == 0 && message == nil:
		return nil, errNoMessage
	case s.Hash == 0:
		return message, nil
	case digest == nil && message == nil:
		return nil, errNoDigest
	case digest == nil:
		return s.sum(nil, message), nil
	case len(digest) != s.Hash.Size():
		return nil, fmt.Errorf("digest of %d bytes, %v has %d", len(digest), s.Hash, s.Hash.Size())
	}
	return digest, nil
}
