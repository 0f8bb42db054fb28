// Package pkcs11 performs private-key operations by keys in a PKCS #11 token: an HSM, a smart
// card, a TPM, SoftHSM, the software token of NSS, or one of those behind p11-kit.
//
//	token, err := pkcs11.Open(pkcs11.Config{
//		Module: "/usr/lib/softhsm/libsofthsm2.so",
//		URI:    "pkcs11:token=web;object=site?pin-source=file:/etc/web.pin",
//	})
//	...
//	cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
//		return token.Handle(op, c.Apply)
//	}
//
// The handshake is suspended while the token works; no goroutine waits with it. Which key of
// the token an operation needs is found by the public key of its certificate. A Key is also a
// crypto.Signer and a crypto.Decrypter, for use anywhere else.
//
// Tokens are fragile, and a module is C code that can end the process. So
//
//   - one session belongs to one worker goroutine, since modules crash when a session is used
//     twice at once; Config.Workers bounds them;
//   - a session is thrown away after any error;
//   - no call goes to a session or an object of an earlier C_Initialize, whose number a new one
//     may bear;
//   - one idle session keeps the login, which ends with a token's last session;
//   - a lost token is looked for with growing pauses, by a new session, a new login, and in the
//     end by C_Finalize and C_Initialize; operations fail at once meanwhile;
//   - a call that does not come back costs its worker, and is counted; its operation ends;
//   - C_Finalize waits for the last call, or does not happen;
//   - a signature is verified before it is handed out;
//   - a PIN that was refused is never tried again, is never logged, and is cleared after use.
//
// Decryption (the RSA key exchange of TLS 1.2) has the token do the bare RSA operation,
// CKM_RSA_X_509, and takes the padding off here, in constant time: most tokens say whether a
// padding was good, which is all that Bleichenbacher's attack needs.
//
// Modules are loaded by cgo. Without it, everything here compiles and Open says why it cannot.
package pkcs11
