package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
)

// Key is a private key in a token: a crypto.Signer, a crypto.Decrypter if it is an RSA key, and
// both with a context. It stays good when the token is lost and comes back. All methods are
// safe on any goroutine.
type Key struct {
	t      *Token
	public crypto.PublicKey

	// What finds its private half: CKA_KEY_TYPE, CKA_ID and, without one, CKA_LABEL.
	typ   uint
	id    []byte
	label []byte

	listed     bool // CKA_MODULUS can be searched for
	always     bool // CKA_ALWAYS_AUTHENTICATE
	signs      bool // CKA_SIGN
	decrypts   bool // CKA_DECRYPT
	mechanisms []uint

	schemes atomic.Pointer[[]iana.SignatureScheme]

	absence absence
}

// A Key goes wherever a key of package asyncpkey does, to a Pool or to Op.Perform.
var (
	_ asyncpkey.ContextSigner    = (*Key)(nil)
	_ asyncpkey.ContextDecrypter = (*Key)(nil)
	_ asyncpkey.SchemeLister     = (*Key)(nil)
)

// Public returns the public key: an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey. It is
// shared: read only.
func (k *Key) Public() crypto.PublicKey { return k.public }

// ID returns a copy of CKA_ID.
func (k *Key) ID() []byte { return bytes.Clone(k.id) }

// Label returns CKA_LABEL.
func (k *Key) Label() string { return string(k.label) }

// String says which key it is.
func (k *Key) String() string {
	return fmt.Sprintf("%T %q with ID %x", k.public, k.label, k.id)
}

// LogValue logs what String says.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// URI returns what Token.Key takes to find the key again.
func (k *Key) URI() string {
	u := &URI{SlotID: -1, Token: k.t.Info().Label, Object: k.Label(), ID: k.id, Type: "private"}
	return u.String()
}

// SignatureSchemes returns the schemes that the token can sign by with this key: by its list of
// mechanisms, CKA_ALLOWED_MECHANISMS and CKA_SIGN, without those that it turned out to refuse.
// A TLS handshake offers and chooses no others. An empty list means that the key does not sign.
func (k *Key) SignatureSchemes() []iana.SignatureScheme { return slices.Clone(*k.schemes.Load()) }

// CanSign reports whether SignatureSchemes has s by now. Certificates ask it in each handshake, so
// that one made before the token refused a scheme does not choose it again.
func (k *Key) CanSign(s iana.SignatureScheme) bool { return slices.Contains(*k.schemes.Load(), s) }

// CanDecrypt reports whether the key can do RSA key exchange.
func (k *Key) CanDecrypt() bool { return k.decrypts }

// Sign signs digest, or for Ed25519 the message itself, as crypto.Signer describes; random is
// of no account. It waits for the token, at most Config.Timeout.
//
// Errors: ErrBusy, ErrTimeout, ErrLost, ErrNoKey, ErrBadSignature, ErrPINRefused, ErrClosed, an
// Error.
func (k *Key) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// SignContext is Sign that waits no longer than ctx says. The call in the token goes on: there
// is no way to stop it.
func (k *Key) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	g, err := newSigning(k.public, bytes.Clone(digest), opts)
	if err != nil {
		return nil, err
	}
	return do(k.t, ctx, func(s *session) ([]byte, error) { return k.sign(s, g) })
}

// SignMessage hashes message, if the key wants a hash, and signs: crypto.MessageSigner.
func (k *Key) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := k.public.(ed25519.PublicKey); ok {
		return k.Sign(random, message, opts)
	}
	if opts == nil || !opts.HashFunc().Available() {
		return nil, errors.New("pkcs11: there is no hash to sign the message with")
	}
	h := opts.HashFunc().New()
	h.Write(message)
	return k.Sign(random, h.Sum(nil), opts)
}

// Decrypt opens a PKCS #1 v1.5 ciphertext. opts has to be an *rsa.PKCS1v15DecryptOptions whose
// SessionKeyLen says how many bytes there are to be: whatever else is in the ciphertext, random
// bytes of that length come back, in the same time, and no error. random may be nil.
//
// Errors: those of Sign but for ErrBadSignature; a ciphertext that is no number below the
// modulus, which is no secret.
func (k *Key) Decrypt(random io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.DecryptContext(context.Background(), ciphertext, opts)
}

// DecryptContext is Decrypt that waits no longer than ctx says.
func (k *Key) DecryptContext(ctx context.Context, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	o, ok := opts.(*rsa.PKCS1v15DecryptOptions)
	if !ok || o.SessionKeyLen <= 0 {
		return nil, errors.New("pkcs11: keys decrypt PKCS #1 v1.5 with a SessionKeyLen only")
	}
	d, err := k.newDecryption(bytes.Clone(ciphertext), o.SessionKeyLen)
	if err != nil {
		return nil, err
	}
	return do(k.t, ctx, func(s *session) ([]byte, error) { return k.decrypt(s, d) })
}

// refuseScheme takes the schemes of g's kind from the list: the token has refused them.
func (k *Key) refuseScheme(g *signing) {
	for {
		old := k.schemes.Load()
		left := slices.DeleteFunc(slices.Clone(*old), func(id iana.SignatureScheme) bool {
			return slices.ContainsFunc(schemes, func(s scheme) bool {
				return s.id == id && s.family == g.family && s.hash == g.hash
			})
		})
		if k.schemes.CompareAndSwap(old, &left) {
			return
		}
	}
}
