package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// exampleState is the one of the example in the programs' contract, but for what is not
// negotiated yet.
func exampleState() conn.State {
	return conn.State{
		HandshakeDone: true, Policy: "default", Version: iana.TLS13, CipherSuite: iana.TLS_AES_128_GCM_SHA256,
		Group: iana.X25519MLKEM768, Scheme: iana.ECDSASecp256r1SHA256, ServerName: "localhost", ALPN: "h2",
		ExtendedMasterSecret: true, WireIn: 612, WireOut: 1840, ReadBlocked: 3, ApplicationBlocked: 1,
	}
}

func exampleReport() Report {
	s := exampleState()
	return NewReport("server", &s, 812*time.Microsecond, nil)
}

func TestReport(t *testing.T) {
	done := exampleState()
	client := exampleState()
	client.Scheme, client.PeerScheme = 0, iana.Ed25519
	client.HelloRetry, client.ALPN = true, ""
	failed := conn.State{Policy: "default", WireIn: 517, WireOut: 7}
	alert := func(kind error, a *conn.AlertError) error { return &conn.Error{Kind: kind, Err: a} }
	for _, c := range []struct {
		name string
		role string
		s    conn.State
		err  error
		want string
	}{
		{"a server's connection", "server", done, nil,
			`{"role":"server","version":"TLSv1.3","cipher_suite":"TLS_AES_128_GCM_SHA256","group":"X25519MLKEM768",` +
				`"signature_scheme":"ecdsa_secp256r1_sha256","peer_signature_scheme":"","server_name":"localhost","alpn":"h2",` +
				`"resumed":false,"psk":"","hrr":false,"client_auth":false,"policy":"default","ems":true,` +
				`"blocked":{"read":3,"write":0,"application":1},"handshake_us":812,"wire_in":612,"wire_out":1840,` +
				`"app_in":0,"app_out":0,"error":"","error_kind":"","alert":"","alert_sent":false}`},
		{"a client's connection", "client", client, nil,
			`{"role":"client","version":"TLSv1.3","cipher_suite":"TLS_AES_128_GCM_SHA256","group":"X25519MLKEM768",` +
				`"peer_signature_scheme":"ed25519","server_name":"localhost",` +
				`"resumed":false,"psk":"","hrr":true,"client_auth":false,"policy":"default","ems":true,` +
				`"blocked":{"read":3,"write":0,"application":1},"handshake_us":812,"wire_in":612,"wire_out":1840,` +
				`"app_in":0,"app_out":0,"error":"","error_kind":"","alert":"","alert_sent":false}`},
		{"a handshake that failed before anything was settled", "server", failed,
			alert(conn.ErrProtocol, &conn.AlertError{Alert: iana.HandshakeFailure, Sent: true, Err: errors.New(`no group in <common> & "such"`)}),
			`{"role":"server","peer_signature_scheme":"","resumed":false,"psk":"","hrr":false,"client_auth":false,"policy":"default","ems":false,` +
				`"blocked":{"read":0,"write":0,"application":0},"handshake_us":812,"wire_in":517,"wire_out":7,"app_in":0,"app_out":0,` +
				`"error":"tls: no group in <common> & \"such\"","error_kind":"protocol","alert":"handshake_failure","alert_sent":true}`},
		{"an alert of the peer", "server", failed,
			alert(conn.ErrAlert, &conn.AlertError{Alert: iana.UnknownCA}),
			`{"role":"server","peer_signature_scheme":"","resumed":false,"psk":"","hrr":false,"client_auth":false,"policy":"default","ems":false,` +
				`"blocked":{"read":0,"write":0,"application":0},"handshake_us":812,"wire_in":517,"wire_out":7,"app_in":0,"app_out":0,` +
				`"error":"tls: peer sent alert unknown_ca (48)","error_kind":"alert","alert":"unknown_ca","alert_sent":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReport(c.role, &c.s, 812*time.Microsecond, c.err)
			if got := string(r.Line()); got != c.want+"\n" {
				t.Errorf("got  %swant %s", got, c.want)
			}
		})
	}
}

func TestErrorKinds(t *testing.T) {
	of := func(kind error) error { return &conn.Error{Kind: kind, Err: errors.New("x")} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{of(conn.ErrIO), "io"},
		{of(conn.ErrClosed), "closed"},
		{of(conn.ErrAlert), "alert"},
		{of(conn.ErrProtocol), "protocol"},
		{of(conn.ErrInternal), "internal"},
		{of(conn.ErrUsage), "usage"},
		{&conn.Error{Kind: conn.ErrInternal, Err: fmt.Errorf("a hook failed: %w", of(conn.ErrIO))}, "internal"},
		{&fs.PathError{Op: "read", Path: "x", Err: fs.ErrInvalid}, "io"},
		{errors.New("something else"), "internal"},
	} {
		if got := kindOf(c.err); got != c.want {
			t.Errorf("%#v is %q, not %q", c.err, got, c.want)
		}
	}
}
