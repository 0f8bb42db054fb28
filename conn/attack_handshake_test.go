package conn

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
)

// repeat returns n times b.
func repeat(n int, b ...byte) []byte { return bytes.Repeat(b, n) }

// crowded puts unknown extensions into a ClientHello in one record until the block is as long as
// its length can say, and cuts it into as many records as that takes.
func crowded(record []byte) (out []byte) {
	hello := record[5:]
	at := 4 + 2 + 32
	at += 1 + int(hello[at])
	at += 2 + int(hello[at])<<8 + int(hello[at+1])
	at += 1 + int(hello[at])
	block := bytes.Clone(hello[at+2:])
	for x := 0x4000; len(block) <= 65535-8; x++ {
		block = append(block, byte(x>>8), byte(x), 0, 0)
	}
	last := 65535 - len(block) - 4
	block = append(append(block, 0xff, 0xf0, 0, byte(last)), make([]byte, last)...)
	body := append(append(bytes.Clone(hello[4:at]), 0xff, 0xff), block...)
	whole := append([]byte{1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	for len(whole) > 0 {
		n := min(len(whole), 16384)
		out = append(append(out, 22, 3, 1, byte(n>>8), byte(n)), whole[:n]...)
		whole = whole[n:]
	}
	return out
}

var dummyCCS = []byte{20, 3, 3, 0, 1, 1}

// What comes in place of a first message ends the connection with a sentence that says
// what it is.
func TestFirstBytes(t *testing.T) {
	hello := firstFlight(t, quick(clientConfig()))
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	fragments := func(size int) (out []byte) {
		for body := hello[5:]; len(body) > 0; {
			n := min(size, len(body))
			out = append(out, 22, 3, 1, byte(n>>8), byte(n))
			out = append(out, body[:n]...)
			body = body[n:]
		}
		return out
	}
	for _, c := range []struct {
		name   string
		sent   []byte
		server failure // nothing = the server goes on
		client failure // nothing = not tried
	}{
		{name: "an HTTP request", sent: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), server: accuses(iana.UnexpectedMessage, "HTTP request")},
		{name: "an HTTP response", sent: []byte("HTTP/1.1 400 Bad Request\r\n"), client: accuses(iana.UnexpectedMessage, "HTTP response")},
		{name: "a greeting of SMTP", sent: []byte("220 mail.example ESMTP\r\n"), client: accuses(iana.UnexpectedMessage, `"220 m" instead of a TLS record`)},
		{name: "SSH", sent: []byte("SSH-2.0-Go\r\n"), server: accuses(iana.UnexpectedMessage, `"SSH-2" instead of a TLS record`), client: accuses(iana.UnexpectedMessage, "instead of a TLS record")},
		{name: "zeros", sent: make([]byte, 100), server: accuses(iana.UnexpectedMessage, "00 00 00 00 00 instead of"), client: accuses(iana.UnexpectedMessage, "instead of a TLS record")},
		{name: "bytes of 0xff", sent: repeat(100, 0xff), server: accuses(iana.UnexpectedMessage, "ff ff ff ff ff instead of"), client: accuses(iana.UnexpectedMessage, "instead of a TLS record")},
		{name: "a record of version 4.3", sent: []byte{22, 4, 3, 0, 1, 1}, server: accuses(iana.ProtocolVersion, "0x0403"), client: accuses(iana.ProtocolVersion, "0x0403")},
		{name: "a record of 2^14 + 1 bytes", sent: []byte{22, 3, 1, 0x40, 1, 1}, server: accuses(iana.RecordOverflow, "16385"), client: accuses(iana.RecordOverflow, "16385")},
		{name: "a record without content", sent: []byte{22, 3, 1, 0, 0}, server: accuses(iana.UnexpectedMessage, "without content"), client: accuses(iana.UnexpectedMessage, "without content")},
		{name: "application data", sent: []byte{23, 3, 3, 0, 3, 1, 2, 3}, server: accuses(iana.UnexpectedMessage, "without protection"), client: accuses(iana.UnexpectedMessage, "without protection")},
		{name: "a heartbeat", sent: []byte{24, 3, 3, 0, 3, 1, 0, 0}, server: accuses(iana.UnexpectedMessage, "instead of a TLS record"), client: accuses(iana.UnexpectedMessage, "instead of a TLS record")},
		{name: "a fatal alert", sent: []byte{21, 3, 3, 0, 2, 2, 40}, server: told(iana.HandshakeFailure), client: told(iana.HandshakeFailure)},
		{name: "an unknown alert", sent: []byte{21, 3, 3, 0, 2, 2, 222}, server: failure{ErrAlert, 222, "222"}, client: failure{ErrAlert, 222, "222"}},
		{name: "half an alert", sent: []byte{21, 3, 3, 0, 1, 2}, server: accuses(iana.DecodeError, "1 bytes instead of 2"), client: accuses(iana.DecodeError, "1 bytes instead of 2")},
		{name: "close_notify", sent: []byte{21, 3, 3, 0, 2, 1, 0}, server: failure{kind: ErrClosed, text: "client closed the connection during the handshake"}, client: failure{kind: ErrClosed, text: "server closed the connection during the handshake"}},
		{name: "user_canceled and close_notify", sent: cat([]byte{21, 3, 3, 0, 2, 1, 90}, []byte{21, 3, 3, 0, 2, 1, 0}), server: failure{kind: ErrClosed, text: "closed the connection"}, client: failure{kind: ErrClosed, text: "closed the connection"}},
		{name: "user_canceled of level fatal", sent: []byte{21, 3, 3, 0, 2, 2, 90}, server: told(iana.UserCanceled), client: told(iana.UserCanceled)},
		{name: "user_canceled for ever", sent: repeat(9, 21, 3, 3, 0, 2, 1, 90), server: accuses(iana.UnexpectedMessage, "user_canceled"), client: accuses(iana.UnexpectedMessage, "user_canceled")},
		{name: "change_cipher_spec before any message", sent: cat(dummyCCS, hello), server: accuses(iana.UnexpectedMessage, "change_cipher_spec where it has no place")},
		{name: "change_cipher_spec in the middle of a ClientHello", sent: cat(fragments(100)[:105], dummyCCS, fragments(100)[105:]), server: accuses(iana.UnexpectedMessage, "change_cipher_spec where it has no place")},
		{name: "33 times change_cipher_spec", sent: repeat(33, dummyCCS...), client: accuses(iana.UnexpectedMessage, "more than 32 change_cipher_spec")},
		{name: "change_cipher_spec that says 2", sent: []byte{20, 3, 3, 0, 1, 2}, client: accuses(iana.UnexpectedMessage, "change_cipher_spec")},
		{name: "change_cipher_spec of 2 bytes", sent: []byte{20, 3, 3, 0, 2, 1, 1}, client: accuses(iana.UnexpectedMessage, "change_cipher_spec")},
		{name: "a ServerHello to a server", sent: []byte{22, 3, 3, 0, 4, 2, 0, 0, 0}, server: accuses(iana.UnexpectedMessage, "server_hello where client_hello is expected")},
		{name: "a ClientHello to a client", sent: hello, client: accuses(iana.UnexpectedMessage, "client_hello where server_hello is expected")},
		{name: "a Finished", sent: []byte{22, 3, 3, 0, 4, 20, 0, 0, 0}, server: accuses(iana.UnexpectedMessage, "finished where"), client: accuses(iana.UnexpectedMessage, "finished where")},
		{name: "a ClientHello of 8 MiB", sent: []byte{22, 3, 3, 0, 4, 1, 0x80, 0, 0}, server: accuses(iana.DecodeError, "8388608 bytes")},
		{name: "a ServerHello of 8 MiB", sent: []byte{22, 3, 3, 0, 4, 2, 0x80, 0, 0}, client: accuses(iana.IllegalParameter, "8388608 bytes")},
		{name: "a ClientHello without content", sent: []byte{22, 3, 3, 0, 4, 1, 0, 0, 0}, server: accuses(iana.DecodeError, "client_hello")},
		{name: "a ClientHello in 1-byte records", sent: fragments(1)},
		{name: "a ClientHello in 100-byte records", sent: fragments(100)},
		{name: "a ClientHello with all the unknown extensions that it can hold", sent: crowded(hello)},
		{name: "an alert in the middle of a ClientHello", sent: cat(fragments(100)[:105], []byte{21, 3, 3, 0, 2, 2, 80}), server: accuses(iana.UnexpectedMessage, "in the middle of a handshake message")},
		{name: "application data in the middle of a ClientHello", sent: cat(fragments(100)[:105], []byte{23, 3, 3, 0, 1, 1}), server: accuses(iana.UnexpectedMessage, "application data")},
		{name: "change_cipher_spec behind a ClientHello", sent: cat(hello, dummyCCS)},
		{name: "a byte behind the ClientHello in its record", sent: cat([]byte{22, 3, 1, byte((len(hello) - 4) >> 8), byte(len(hello) - 4)}, hello[5:], []byte{1}), server: accuses(iana.UnexpectedMessage, "bytes")},
	} {
		run := func(side string, want failure, open func(RecvFunc, SendFunc, *Config) (*Conn, error), cfg *Config) {
			t.Run(c.name+", to a "+side, func(t *testing.T) {
				for _, read := range []shape{everything, oneByte} {
					in, out := &lane{log: c.sent}, &lane{}
					end := &callbacks{in: in, out: out, read: read, write: everything}
					conn, err := open(end.recv, end.send, cfg)
					if err != nil {
						t.Fatal(err)
					}
					b, err := conn.Negotiate()
					want.check(t, side, err)
					if want.kind == nil && (b != BlockedOnRead || conn.State().CipherSuite == 0) {
						t.Errorf("the server does not go on: %v", b)
					}
					end12, end10 := []byte{21, 3, 3, 0, 2, 2, byte(want.alert)}, []byte{21, 3, 1, 0, 2, 2, byte(want.alert)}
					if sent := bytes.HasSuffix(out.log, end12) || bytes.HasSuffix(out.log, end10); sent != (want.kind == ErrProtocol) {
						t.Errorf("%d bytes were written, alert %v at their end: %v", len(out.log), want.alert, sent)
					}
					// RFC 8446, Section 6.1: whoever closes says so, unless it has sent another alert.
					if answered := bytes.HasSuffix(out.log, []byte{0, 2, 1, 0}); answered != (want.kind == ErrClosed) {
						t.Errorf("%x was written, close_notify at its end: %v", out.log, answered)
					}
					conn.Close()
				}
			})
		}
		if c.server.kind != nil || c.client.kind == nil {
			run("server", c.server, NewServer, quick(serverConfig(t)))
		}
		if c.client.kind != nil {
			run("client", c.client, NewClient, quick(clientConfig()))
		}
	}
}

// A client that does not offer TLS 1.3 takes no change_cipher_spec before its place.
func TestChangeCipherSpecFirst12(t *testing.T) {
	for _, c := range []struct {
		most iana.Version
		want failure
	}{
		{iana.TLS12, accuses(iana.UnexpectedMessage, "change_cipher_spec where server_hello is expected")},
		{iana.TLS13, told(iana.InternalError)},
	} {
		end := &callbacks{in: &lane{log: append(bytes.Clone(dummyCCS), 21, 3, 3, 0, 2, 2, byte(iana.InternalError))}, out: &lane{}, read: everything, write: everything}
		cfg := clientConfig()
		cfg.MaxVersion = c.most
		client := mustClient(t, end.recv, end.send, cfg)
		_, err := client.Negotiate()
		c.want.check(t, "client", err)
	}
}

// midway stops a handshake where one side has the other's handshake keys and waits for
// its messages: a client that waits for the server's signature, or a server that waits for
// the client's Finished. The other side is the attacker.
func midway(t *testing.T, victim int) (v *Conn, a *attacker) {
	t.Helper()
	client, server := quick(clientConfig()), quick(serverConfig(t))
	if victim == clientOnly {
		server.OnPrivateKey = func(*Conn, *asyncpkey.Op) error { return nil }
	} else {
		client.OnVerify = func(*Conn, *PeerChain, *async.Op[Verdict]) {}
	}
	p := newPair(t, client, server)
	for range 3 {
		for _, c := range []*Conn{p.client, p.server} {
			if _, err := c.Negotiate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if victim == clientOnly {
		return p.client, &attacker{Conn: p.server}
	}
	return p.server, &attacker{Conn: p.client}
}

// sealNow seals with the keys that the attacker's own handshake has now.
func (a *attacker) sealNow(t *testing.T, typ iana.RecordType, content ...byte) {
	t.Helper()
	if _, err := a.wr.Seal(typ, content); err != nil {
		t.Fatal(err)
	}
	if err := a.flush(); err != nil {
		t.Fatal(err)
	}
}

func TestAttacksDuringTheHandshake(t *testing.T) {
	for _, c := range []struct {
		name   string
		victim int
		do     func(t *testing.T, a *attacker)
		want   failure
	}{
		{name: "application data", do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordApplicationData, 1, 2, 3) }, want: accuses(iana.UnexpectedMessage, "application data during the handshake")},
		{name: "application data without content", do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordApplicationData) }, want: accuses(iana.UnexpectedMessage, "application data during the handshake")},
		{name: "application data in the middle of a message", do: func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, 20, 0)
			a.sealNow(t, iana.RecordApplicationData, 1)
		}, victim: serverOnly, want: accuses(iana.UnexpectedMessage, "application data")},
		{name: "an alert in the middle of a message", do: func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, 20, 0)
			a.sealNow(t, iana.RecordAlert, 2, 80)
		}, victim: serverOnly, want: accuses(iana.UnexpectedMessage, "in the middle of a handshake message")},
		{name: "a flipped bit", do: func(t *testing.T, a *attacker) {
			send := a.Conn.send
			a.Conn.send = func(p []byte) (int, error) {
				p = bytes.Clone(p)
				p[len(p)-1] ^= 0x80
				return send(p)
			}
			a.sealNow(t, iana.RecordHandshake, 20, 0, 0, 0)
		}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
		{name: "a record that is not sealed at all", do: func(_ *testing.T, a *attacker) { a.raw(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...)...) }, want: accuses(iana.BadRecordMAC, "does not authenticate")},
		{name: "a record shorter than a tag", do: func(_ *testing.T, a *attacker) { a.raw(23, 3, 3, 0, 3, 1, 2, 3) }, want: accuses(iana.BadRecordMAC, "does not authenticate")},
		{name: "a handshake record without protection", do: func(_ *testing.T, a *attacker) { a.raw(22, 3, 3, 0, 4, 20, 0, 0, 0) }, want: accuses(iana.UnexpectedMessage, "without protection")},
		{name: "an overlong record", do: func(_ *testing.T, a *attacker) { a.raw(23, 3, 3, 0x41, 1) }, want: accuses(iana.RecordOverflow, "16641")},
		{name: "change_cipher_spec, which is dropped, and a fatal alert", do: func(t *testing.T, a *attacker) { a.raw(dummyCCS...); a.sealNow(t, iana.RecordAlert, 2, 80) }, want: told(iana.InternalError)},
		{name: "change_cipher_spec again and again", do: func(_ *testing.T, a *attacker) { a.raw(repeat(33, dummyCCS...)...) }, want: accuses(iana.UnexpectedMessage, "more than 32 change_cipher_spec")},
		{name: "an alert without protection, as from a client that could not follow", victim: serverOnly, do: func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 47) }, want: told(iana.IllegalParameter)},
		{name: "an alert without protection, from a server", victim: clientOnly, do: func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 47) }, want: accuses(iana.UnexpectedMessage, "without protection")},
		{name: "close_notify", do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordAlert, 1, 0) }, want: failure{kind: ErrClosed, text: "closed the connection during the handshake"}},
		{name: "a KeyUpdate", do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 24, 0, 0, 1, 0) }, want: accuses(iana.UnexpectedMessage, "key_update where")},
		{name: "a ticket", do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 4, 0, 0, 0) }, want: accuses(iana.UnexpectedMessage, "new_session_ticket where")},
		{name: "a Finished that is wrong", victim: serverOnly, do: func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, append([]byte{20, 0, 0, 32}, make([]byte, 32)...)...)
		}, want: accuses(iana.DecryptError, "Finished that does not fit")},
		{name: "a Finished that is too long", victim: serverOnly, do: func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, append([]byte{20, 0, 0, 33}, make([]byte, 33)...)...)
		}, want: failure{ErrProtocol, iana.DecryptError, "Finished"}},
		{name: "a Finished without the CertificateVerify before it", victim: clientOnly, do: func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, append([]byte{20, 0, 0, 32}, make([]byte, 32)...)...)
		}, want: accuses(iana.UnexpectedMessage, "finished where certificate_verify is expected")},
		{name: "a client certificate that nobody asked for", victim: serverOnly, do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 11, 0, 0, 4, 0, 0, 0, 0) }, want: accuses(iana.UnexpectedMessage, "certificate where finished is expected")},
		{name: "a Certificate again", victim: clientOnly, do: func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 11, 0, 0, 4, 0, 0, 0, 0) }, want: accuses(iana.UnexpectedMessage, "certificate where")},
	} {
		for _, victim := range []int{clientOnly, serverOnly} {
			if c.victim != 0 && c.victim != victim {
				continue
			}
			name := map[int]string{clientOnly: "client", serverOnly: "server"}[victim]
			t.Run(c.name+", to a "+name, func(t *testing.T) {
				v, a := midway(t, victim)
				c.do(t, a)
				_, err := v.Negotiate()
				c.want.check(t, name, err)
				for range 2 {
					if _, again := v.Negotiate(); again == nil || err != nil && again.Error() != err.Error() {
						t.Errorf("the error was %v, and is now %v", err, again)
					}
					if _, _, again := v.Recv(make([]byte, 1)); again == nil || err != nil && again.Error() != err.Error() {
						t.Errorf("Recv after %v: %v", err, again)
					}
					if _, _, again := v.Send([]byte("x")); again == nil || err != nil && again.Error() != err.Error() {
						t.Errorf("Send after %v: %v", err, again)
					}
				}
				if s := v.State(); s.HandshakeDone {
					t.Error("the handshake is done")
				}
				if b, err := v.Shutdown(); b != NotBlocked || err != nil {
					t.Errorf("Shutdown: %v, %v", b, err)
				}
			})
		}
	}
}

// A client that does not like a HelloRetryRequest or a ServerHello says so in a record of
// any version: it has agreed on none.
func TestPlainAlertOfAnotherVersion(t *testing.T) {
	for name, shares := range map[string][]iana.Group{"after HelloRetryRequest": {}, "after ServerHello": nil} {
		t.Run(name, func(t *testing.T) {
			client := quick(clientConfig())
			client.KeyShares = shares
			p := newPair(t, client, quick(serverConfig(t)))
			run(t,
				shut{"the client's Negotiate", p.client.Negotiate, BlockedOnRead, failure{}},
				shut{"Negotiate", p.server.Negotiate, BlockedOnRead, failure{}},
			)
			if _, err := p.pipe.Client.Send([]byte{21, 3, 1, 0, 2, 2, byte(iana.HandshakeFailure)}); err != nil {
				t.Fatal(err)
			}
			run(t, shut{"Negotiate again", p.server.Negotiate, NotBlocked, told(iana.HandshakeFailure)})
		})
	}
}
