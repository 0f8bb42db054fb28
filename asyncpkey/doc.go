// Package asyncpkey holds private-key operations that answer later: a signature or a
// decryption by a key in an HSM, a TPM, a key server, or on another goroutine.
//
// A connection whose Config has OnPrivateKey calls it with an Op whenever the handshake
// needs the private key. The Op says all that a token needs to know: what to do, by
// which scheme, over which bytes, for which certificate. The application performs it,
// with Perform and a key at hand or with SetOutput and bytes from elsewhere, on any
// goroutine, and gives it back with Conn.Apply:
//
//	cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
//		go func() {
//			signature, err := token.Sign(op.Context(), op.Input(), op.Hash())
//			if err != nil {
//				op.Fail(err)
//				return
//			}
//			if err = op.SetOutput(signature); err != nil {
//				op.Fail(err)
//				return
//			}
//			c.Apply(op)
//		}()
//		return nil
//	}
//
// Until then Negotiate returns BlockedOnApplicationInput. Doing all of it before the
// hook returns is legal and costs no suspension. Config.Wake tells when to call Negotiate
// again.
//
// A Pool does this on a fixed number of goroutines, with a bounded queue, and never calls a
// key for an operation whose connection has gone:
//
//	pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: 16})
//	cfg.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, key)
//
// docs/ASYNC.md has the whole of it: keys, checks, errors and what to do about them, and
// how the models of other libraries map to this one.
//
// This is s2n-tls's model (s2n_async_pkey_op_perform, _set_output, _apply) with its
// holes closed: a failure can be reported, an Op can be canceled and have a deadline, and
// every method is safe beside every method of the connection.
package asyncpkey
