// Package sig is the table of signature schemes: which keys each fits in which version of
// TLS, how to ask a key for a signature, how to verify one, and whether bytes can be one at
// all.
//
// Most schemes sign a digest, Ed25519 and keys that implement crypto.MessageSigner the
// message. Callers therefore pass both where they have them.
package sig
