package conn_test

import (
	"fmt"

	"github.com/s2ngo/s2ngo/conn"
)

// channelBinding is what a protocol inside TLS, such as SCRAM, ties its own proof to: both ends of the
// connection have the same, and nobody between two connections (RFC 9266, tls-exporter).
func channelBinding(c *conn.Conn) ([]byte, error) {
	return c.Export("EXPORTER-Channel-Binding", []byte{}, 32)
}

func ExampleConn_Export() {
	var c *conn.Conn // whose handshake is complete
	if c == nil {
		return
	}
	binding, err := channelBinding(c)
	if err != nil { // not complete, closed, or TLS 1.2 without an extended master secret
		fmt.Println(err)
		return
	}
	fmt.Printf("tls-exporter: %x\n", binding)
}
