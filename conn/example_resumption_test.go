package conn_test

import (
	"net"

	"github.com/s2ngo/s2ngo/conn"
)

// The code blocks of docs/RESUMPTION.md stand here, so that they compile.

func handsOut(certificates []*conn.Certificate) *conn.Config {
	server := &conn.Config{Certificates: certificates, SessionTickets: true}
	return server
}

func resumes(raw net.Conn, saved []byte) ([]byte, error) {
	cfg := &conn.Config{ServerName: "example.com", SessionTickets: true}
	c, err := conn.NewClient(raw.Read, raw.Write, cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetSession(saved); err != nil { // what cannot be used is no error: a full handshake follows
		return nil, err
	}
	if _, err := c.Negotiate(); err != nil {
		return nil, err
	}
	if _, err := c.Shutdown(); err != nil {
		return nil, err
	}
	return c.Session(), nil
}

func shares(secret []byte) *conn.Config {
	psk := &conn.PSK{Identity: []byte("sensor-17"), Secret: secret} // SHA-256; s2n's rules for both fields
	gateway := &conn.Config{PSKs: []*conn.PSK{psk}}                 // no certificate is needed
	return gateway
}

func early(c *conn.Conn, request []byte) error {
	n, _, err := c.SendEarlyData(request) // before Negotiate; n = 0 where nothing permits it
	if err != nil {
		return err
	}
	if _, err := c.Negotiate(); err != nil {
		return err
	}
	if c.State().EarlyData == conn.EarlyDataRejected {
		n = 0 // the server has read none of it
	}
	_, _, err = c.Send(request[n:])
	return err
}

var _ = []any{handsOut, resumes, shares, early}
