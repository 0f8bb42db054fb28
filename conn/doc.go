// Package conn is the API of s2ngo: TLS connections that never block a goroutine, in the
// manner of s2n-tls.
//
// A Conn does its input and output through two callbacks that may return at any byte.
// Negotiate moves the handshake as far as it can and says what it waits for:
//
//	for {
//		blocked, err := c.Negotiate()
//		switch {
//		case err != nil:
//			return err
//		case blocked == conn.NotBlocked:
//			return nil // the handshake is complete
//		case blocked == conn.BlockedOnRead:
//			// wait until the socket is readable
//		case blocked == conn.BlockedOnWrite:
//			// wait until the socket is writable
//		case blocked == conn.BlockedOnApplicationInput:
//			// wait for Config.Wake: a hook's operation is under way
//		}
//	}
//
// Send, Recv and Shutdown have the same shape. With callbacks that block, as those of a
// net.Conn, the loop goes round once and only the application's own operations can
// suspend it.
//
// # Goroutines
//
// One goroutine may Send (Sendv, Flush, ShutdownSend, UpdateKeys) while another Recvs
// (Peek). Negotiate, Shutdown and Reset stand for both. Any other overlap returns ErrUsage
// and changes nothing. Close, Apply, Value and SetValue may be called on any goroutine at
// any time, operations of hooks too; so may State once the handshake is complete.
//
// # Closing
//
// Shutdown tells the peer and waits for its answer; Close does no input or output, ends
// the operations of hooks, wipes secrets and gives buffers back. Every Conn is ended by
// Close.
package conn
