// Package async holds the one object by which a TLS handshake waits for its application.
//
// A hook receives an Op, a question. It answers at once, inside the hook, or keeps the
// Op and answers later from any goroutine. The handshake goes on with the next call of
// Negotiate after the answer; until then Negotiate says BlockedOnApplicationInput and
// costs no goroutine and no stack.
//
//	cfg.OnClientHello = func(c *conn.Conn, hello *conn.ClientHello, op *async.Op[*conn.Config]) {
//		name := string(hello.ServerName)
//		go func() {
//			cfg, err := lookUp(op.Context(), name)
//			if err != nil {
//				op.Fail(err)
//				return
//			}
//			op.Answer(cfg)
//		}()
//	}
//
// Private keys have an Op of their own with s2n's checks around it: package asyncpkey.
package async
