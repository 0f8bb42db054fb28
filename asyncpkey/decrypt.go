package asyncpkey

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// premasterLen is the length in bytes of the premaster secret of RSA key exchange (RFC
// 5246, Section 7.4.7.1).
const premasterLen = 48

// decrypt opens a PKCS#1 v1.5 ciphertext. SessionKeyLen makes the key answer with random
// bytes instead of an error when the padding is wrong, without a branch that tells.
func (op *Op) decrypt(key crypto.PrivateKey) ([]byte, error) {
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	opts := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: premasterLen}
	switch k := key.(type) {
	case ContextDecrypter:
		return k.DecryptContext(op.Context(), op.req.Ciphertext, opts)
	case crypto.Decrypter:
		return k.Decrypt(rand.Reader, op.req.Ciphertext, opts)
	}
	return nil, fmt.Errorf("asyncpkey: key of type %T cannot decrypt", key)
}
