package asyncpkey

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
)

// Errors of misuse, for errors.Is. They answer to s2n's S2N_ERR_ASYNC_* and change
// nothing, neither in the Op nor in a connection.
var (
	// ErrAlreadyPerformed is returned by Perform and SetOutput once there is an output,
	// and while another goroutine is inside Perform.
	ErrAlreadyPerformed = errors.New("asyncpkey: the operation has been performed already")
	// ErrNotPerformed is returned by Conn.Apply and Output while there is no output.
	ErrNotPerformed = errors.New("asyncpkey: the operation has not been performed")
	// ErrAlreadyApplied is returned by everything that comes after Conn.Apply, Fail or
	// Cancel.
	ErrAlreadyApplied = errors.New("asyncpkey: the operation has been applied already")
	// ErrWrongConnection is returned by Conn.Apply when the connection does not wait for
	// this operation: it belongs to another one, or its own was closed or reset.
	ErrWrongConnection = errors.New("asyncpkey: the connection does not wait for this operation")
	// ErrVerifySignature is returned by Conn.Apply, and ends the handshake, when a Strict
	// operation's signature does not verify with the certificate's public key.
	ErrVerifySignature = errors.New("asyncpkey: the signature does not verify with the certificate's public key")
)

// Kind is what a private key is asked to do.
type Kind uint8

// The kinds of operation, s2n's S2N_ASYNC_SIGN and S2N_ASYNC_DECRYPT.
const (
	Sign    Kind = iota + 1 // CertificateVerify, and ServerKeyExchange in TLS 1.2
	Decrypt                 // the premaster secret of RSA key exchange in TLS 1.2
)

// String returns "sign" or "decrypt".
func (k Kind) String() string {
	switch k {
	case Sign:
		return "sign"
	case Decrypt:
		return "decrypt"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Role is the side of the connection whose private key is asked for.
type Role uint8

// The two sides.
const (
	Client Role = iota + 1
	Server
)

// String returns "client" or "server".
func (r Role) String() string {
	switch r {
	case Client:
		return "client"
	case Server:
		return "server"
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// ValidationMode says how much of an output is checked before it is sent.
type ValidationMode uint8

const (
	// Fast checks a signature's length and shape. It is the default.
	Fast ValidationMode = iota
	// Strict also verifies it with the certificate's public key, inside Conn.Apply.
	// Decrypt is the same in both modes.
	Strict
)

// String returns "fast" or "strict".
func (m ValidationMode) String() string {
	if m == Strict {
		return "strict"
	}
	return "fast"
}

// Request is what an operation is about. A handshake fills it in; tests of a handler
// make one of their own and give it to NewOp.
type Request struct {
	Kind        Kind
	Scheme      iana.SignatureScheme // Sign only
	Message     []byte               // Sign: the signed content, whole
	Ciphertext  []byte               // Decrypt: as it came from the wire
	Certificate *x509.Certificate    // the selected chain's leaf, or nil
	PublicKey   crypto.PublicKey     // of the selected certificate
	Role        Role
	ServerName  string // the name the client asked for, or ""
	Mode        ValidationMode
}

// Op is one private-key operation. All methods are safe on any goroutine, inside the
// hook, beside any method of the connection, and after the connection is gone.
type Op struct {
	ask    async.Op[[]byte]
	req    Request
	scheme *sig.Scheme
	digest []byte // in room
	room   [64]byte
	short  [sig.MaxCertificateVerifyInputLen]byte // where a Message of this length and less lies

	mu      sync.Mutex
	mode    ValidationMode
	state   progress
	output  []byte
	refusal error // Decrypt: what Perform or Fail reported, kept from the peer
}

type progress uint8

const (
	created progress = iota
	performing
	performed
	applied
)

// NewOp returns an operation that no connection waits for, so that a handler can be
// tested without a handshake: perform it, then look at Output. The Op copies the Message
// of r and keeps its other slices; the caller leaves those alone. Errors name what r lacks.
func NewOp(r Request) (*Op, error) {
	op := &Op{req: r, mode: r.Mode}
	if r.Message != nil {
		op.req.Message = append(op.short[:0], r.Message...)
	}
	switch r.Kind {
	case Sign:
		op.scheme = sig.Lookup(r.Scheme)
		if op.scheme == nil {
			return nil, fmt.Errorf("asyncpkey: signature scheme %v is unknown", r.Scheme)
		}
		if k, ok := r.PublicKey.(*rsa.PublicKey); ok && isPSSOnly(r.Scheme) {
			r.PublicKey = sig.PSSPublicKey{RSA: k}
			op.req.PublicKey = r.PublicKey
		}
		if !op.scheme.Fits(r.PublicKey, iana.TLS13) && !op.scheme.Fits(r.PublicKey, iana.TLS12) {
			return nil, fmt.Errorf("asyncpkey: a public key of type %T does not sign with %v", r.PublicKey, r.Scheme)
		}
		if op.scheme.Hash != 0 {
			op.digest = op.scheme.Digest(op.room[:0], r.Message)
		}
	case Decrypt:
		if len(r.Ciphertext) == 0 {
			return nil, errors.New("asyncpkey: a decrypt operation needs a ciphertext")
		}
	default:
		return nil, fmt.Errorf("asyncpkey: unknown kind of operation %d", uint8(r.Kind))
	}
	return op, nil
}

// isPSSOnly reports whether a scheme is of the keys whose certificate names id-RSASSA-PSS.
func isPSSOnly(id iana.SignatureScheme) bool {
	return id == iana.RSAPSSPSSSHA256 || id == iana.RSAPSSPSSSHA384 || id == iana.RSAPSSPSSSHA512
}

// Kind returns what the key is asked to do.
func (op *Op) Kind() Kind { return op.req.Kind }

// Scheme returns the signature scheme by which to sign (RFC 8446, Section 4.2.3), 0 for
// Decrypt.
func (op *Op) Scheme() iana.SignatureScheme { return op.req.Scheme }

// Hash returns the hash that Input was made with; 0 for Decrypt and for schemes that
// sign the message itself (Ed25519).
func (op *Op) Hash() crypto.Hash {
	if op.scheme == nil {
		return 0
	}
	return op.scheme.Hash
}

// SignerOpts returns what crypto.Signer.Sign wants beside the digest: the hash, with
// the salt length for RSA-PSS. It is nil for Decrypt.
func (op *Op) SignerOpts() crypto.SignerOpts {
	if op.scheme == nil {
		return nil
	}
	return op.scheme.SignerOpts()
}

// Input returns a copy of the bytes to work on: for Sign the bare digest (20 to 64
// bytes, no DigestInfo, no padding), or the whole message where the scheme has no hash;
// for Decrypt the ciphertext. It may be called any number of times, at any time.
func (op *Op) Input() []byte {
	switch {
	case op.req.Kind == Decrypt:
		return slices.Clone(op.req.Ciphertext)
	case op.digest != nil:
		return slices.Clone(op.digest)
	}
	return slices.Clone(op.req.Message)
}

// Message returns a copy of the whole signed content (nil for Decrypt), for keys that
// hash it themselves: Ed25519, crypto.MessageSigner, some tokens.
func (op *Op) Message() []byte { return slices.Clone(op.req.Message) }

// Certificate returns the leaf of the certificate chain whose key is wanted. It is
// shared: read only.
func (op *Op) Certificate() *x509.Certificate { return op.req.Certificate }

// PublicKey returns the public key that belongs to the wanted private key: an
// *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey. Whether an RSA key is bound to PSS
// is in Scheme.
func (op *Op) PublicKey() crypto.PublicKey { return plain(op.req.PublicKey) }

// Role returns the side whose key is wanted.
func (op *Op) Role() Role { return op.req.Role }

// ServerName returns the name that the client asked for, or "".
func (op *Op) ServerName() string { return op.req.ServerName }

// Context returns a context that is done when the operation is settled, its deadline
// passes, or its connection is closed or reset. It is made by the first call.
func (op *Op) Context() context.Context { return op.ask.Context() }

// SetTimeout gives the operation d from now; then the handshake ends with
// async.ErrDeadline and its connection is woken. d <= 0 removes the limit.
func (op *Op) SetTimeout(d time.Duration) { op.ask.SetTimeout(d) }

// SetValidation overrides the Config's validation mode for this operation.
func (op *Op) SetValidation(m ValidationMode) {
	op.mu.Lock()
	op.mode = m
	op.mu.Unlock()
}

// Perform does the operation with a key at hand: a ContextSigner, crypto.MessageSigner or
// crypto.Signer for Sign, a ContextDecrypter or crypto.Decrypter for Decrypt. It works on the caller's goroutine and may
// take its time. When Sign fails, the error is returned and the operation is open as
// before: try again, or Fail it. Decrypt reports nothing (see Fail).
//
// Errors: ErrAlreadyPerformed, ErrAlreadyApplied, the key's own.
func (op *Op) Perform(key crypto.PrivateKey) error {
	if err := op.begin(); err != nil {
		return err
	}
	var out []byte
	var err error
	if op.req.Kind == Sign {
		out, err = op.sign(key)
	} else {
		out, err = op.decrypt(key)
	}
	return op.end(out, err)
}

// SetOutput gives the operation's result, made elsewhere; the bytes are copied. For
// Sign its length and shape are checked at once: a refused output leaves the operation
// open. For Decrypt any content is taken without a word: see Fail.
//
// Errors: ErrAlreadyPerformed, ErrAlreadyApplied, what is wrong with the signature.
func (op *Op) SetOutput(out []byte) error {
	if err := op.begin(); err != nil {
		return err
	}
	var err error
	if op.req.Kind == Sign {
		err = op.scheme.CheckShape(op.req.PublicKey, out)
	}
	return op.end(slices.Clone(out), err)
}

// begin claims the operation for one output.
func (op *Op) begin() error {
	op.mu.Lock()
	defer op.mu.Unlock()
	switch op.state {
	case performing, performed:
		return ErrAlreadyPerformed
	case applied:
		return ErrAlreadyApplied
	}
	op.state = performing
	return nil
}

// end records an output. A failed decryption is an output too: only the handshake knows
// of it, by a Finished that fails.
func (op *Op) end(out []byte, err error) error {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.state == applied { // failed or canceled meanwhile
		clear(out)
		return ErrAlreadyApplied
	}
	if op.req.Kind == Decrypt {
		if op.refusal = err; err != nil {
			clear(out) // what comes beside an error is no premaster secret
			out, err = nil, nil
		}
	}
	if err != nil {
		op.state = created
		return err
	}
	op.state, op.output = performed, out
	return nil
}

// Output returns a copy of what the operation was performed with, before it is
// applied. Errors: ErrNotPerformed, ErrAlreadyApplied.
func (op *Op) Output() ([]byte, error) {
	op.mu.Lock()
	defer op.mu.Unlock()
	switch op.state {
	case created, performing:
		return nil, ErrNotPerformed
	case applied:
		return nil, ErrAlreadyApplied
	}
	return slices.Clone(op.output), nil
}

// Fail gives the operation up with a reason, without Conn.Apply. For Sign the handshake
// ends with internal_error and err stands in the chain of Negotiate's error. For Decrypt
// the handshake goes on with a random premaster secret to a Finished that fails, since a
// peer that can tell one failure from another can decrypt (RFC 5246, Section 7.4.7.1).
//
// Errors: ErrAlreadyApplied, async.ErrClosed.
func (op *Op) Fail(err error) error {
	if op.req.Kind == Decrypt {
		return op.settle(func() error {
			op.mu.Lock()
			op.refusal = err
			op.mu.Unlock()
			return op.ask.Answer(nil)
		})
	}
	return op.settle(func() error { return op.ask.Fail(err) })
}

// Cancel ends the handshake with async.ErrCanceled, whatever the kind of operation.
// Errors: ErrAlreadyApplied, async.ErrClosed.
func (op *Op) Cancel() error { return op.settle(op.ask.Cancel) }

func (op *Op) settle(do func() error) error {
	op.mu.Lock()
	if op.state == applied {
		op.mu.Unlock()
		return ErrAlreadyApplied
	}
	op.state = applied
	clear(op.output)
	op.output = nil
	op.mu.Unlock()
	return settled(do())
}

// settled renames the error of an Op that its deadline has ended.
func settled(err error) error {
	if errors.Is(err, async.ErrAnswered) {
		return ErrAlreadyApplied
	}
	return err
}

// Apply gives op's output to the handshake that waits for it. It is the second half of
// Conn.Apply, which is what applications call; waiting says whether the connection waits
// for this very operation. The checks come in s2n's order.
func Apply(op *Op, waiting bool) error {
	op.mu.Lock()
	switch {
	case op.state == created || op.state == performing:
		op.mu.Unlock()
		return ErrNotPerformed
	case op.state == applied:
		op.mu.Unlock()
		return ErrAlreadyApplied
	case !waiting:
		op.mu.Unlock()
		return ErrWrongConnection
	}
	op.state = applied
	out, strict := op.output, op.mode == Strict
	op.output = nil
	op.mu.Unlock()

	if strict && op.req.Kind == Sign {
		if err := op.scheme.Verify(op.req.PublicKey, op.digest, op.req.Message, out); err != nil {
			if failed := op.ask.Fail(ErrVerifySignature); failed != nil {
				return settled(failed)
			}
			return ErrVerifySignature
		}
	}
	return settled(op.ask.Answer(out))
}

// Result returns what the operation was settled with; ok is false while it is open. It
// is for the handshake.
func (op *Op) Result() (output []byte, err error, ok bool) { //nolint:revive // ok is last, as in a map lookup
	return op.ask.Result()
}

// Refusal returns why a Decrypt failed, or nil. The handshake adds it to its own error
// once the peer can no longer learn from it.
func (op *Op) Refusal() error {
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.refusal
}

// Pending returns the asking side of the operation, for package conn.
func (op *Op) Pending() *async.Pending { return op.ask.Pending() }

// String says what is asked for, without any of its bytes.
func (op *Op) String() string {
	if op.req.Kind == Decrypt {
		return fmt.Sprintf("%v for the %v's key", op.req.Kind, op.req.Role)
	}
	return fmt.Sprintf("%v by %v for the %v's key", op.req.Kind, op.req.Scheme, op.req.Role)
}

// Format keeps every verb of package fmt from printing the operation's bytes.
func (op *Op) Format(f fmt.State, _ rune) { io.WriteString(f, op.String()) }

// LogValue logs what String says.
func (op *Op) LogValue() slog.Value { return slog.StringValue(op.String()) }
