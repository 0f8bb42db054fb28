package conn

import (
	"bytes"
	"crypto/x509"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/record"
)

// established lets a client played by hand shake hands with a server of ours.
func (c *handClient) established(s *Conn) {
	c.Helper()
	step := func(want Blocked) {
		c.Helper()
		if b, err := s.Negotiate(); b != want || err != nil {
			c.Fatalf("the server says %v, %v, not %v", b, err, want)
		}
	}
	c.messages(c.ClientHello())
	step(BlockedOnRead)
	c.read()
	c.messages(c.ClientKeyExchange())
	c.protect()
	c.messages(c.Finished())
	c.check()
	step(NotBlocked)
	c.readEnd()
}

// seal12 protects any content.
func (h *hand12) seal12(t iana.RecordType, content []byte) []byte {
	n := record.HeaderLen + h.sealer.Prefix()
	rec := append(make([]byte, n, n+len(content)+h.sealer.Overhead()), content...)
	rec, err := h.sealer.Seal(rec, t, 0)
	if err != nil {
		h.Fatal(err)
	}
	return rec
}

// attacks12 are what a client of TLS 1.2 may do to a server once the handshake is complete, with
// the data that it still receives and how that ends.
var attacks12 = []struct {
	name string
	cbc  bool // for CBC suites alone
	do   func(c *handClient)
	data string
	want failure
}{
	{name: "data", do: func(c *handClient) { c.raw(c.seal12(iana.RecordApplicationData, []byte("one"))...) }, data: "one"},
	{name: "a flipped bit at the end", do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[len(r)-1] ^= 1
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a flipped bit in the nonce or the IV", do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[5] ^= 1
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a flipped bit in the padding", cbc: true, do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[len(r)-17] ^= 1
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "padding that is longer than the record", cbc: true, do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[len(r)-17] ^= 0xff
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a block less", cbc: true, do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, make([]byte, 100))
		r = r[:len(r)-16]
		r[3], r[4] = byte((len(r)-5)>>8), byte(len(r)-5)
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a byte less than whole blocks", cbc: true, do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, make([]byte, 100))
		r = r[:len(r)-1]
		r[3], r[4] = byte((len(r)-5)>>8), byte(len(r)-5)
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "")},
	{name: "an IV and nothing else", do: func(c *handClient) { c.raw(append([]byte{23, 3, 3, 0, 16}, make([]byte, 16)...)...) }, want: accuses(iana.BadRecordMAC, "")},
	{name: "a body without bytes", do: func(c *handClient) { c.raw(23, 3, 3, 0, 0) }, want: accuses(iana.BadRecordMAC, "")},
	{name: "a body of one byte", do: func(c *handClient) { c.raw(23, 3, 3, 0, 1, 7) }, want: accuses(iana.BadRecordMAC, "")},
	{name: "another type in the header", do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[0] = byte(iana.RecordAlert)
		c.raw(r...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "TLS 1.1 in the header", do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("bad"))
		r[2] = 2 // which the MAC would cover, too
		c.raw(r...)
	}, want: accuses(iana.ProtocolVersion, "0x0302")},
	{name: "a version of another protocol", do: func(c *handClient) { c.raw(23, 2, 0, 0, 1, 1) }, want: accuses(iana.ProtocolVersion, "0x0200")},
	{name: "a header of more than 2^14 + 2048 bytes", do: func(c *handClient) { c.raw(23, 3, 3, 0x48, 1) }, want: accuses(iana.RecordOverflow, "18433 bytes")},
	{name: "2^14 + 1 bytes of content", do: func(c *handClient) {
		c.raw(c.seal12(iana.RecordApplicationData, make([]byte, 16385))...)
	}, want: accuses(iana.RecordOverflow, "16385 bytes")},
	{name: "32 records without content", do: func(c *handClient) {
		for range 32 {
			c.raw(c.seal12(iana.RecordApplicationData, nil)...)
		}
		c.raw(c.seal12(iana.RecordApplicationData, []byte("all the same"))...)
	}, data: "all the same"},
	{name: "33 records without content", do: func(c *handClient) {
		for range 33 {
			c.raw(c.seal12(iana.RecordApplicationData, nil)...)
		}
	}, want: accuses(iana.UnexpectedMessage, "without content in a row")},
	{name: "a handshake record without content", do: func(c *handClient) { c.raw(c.seal12(iana.RecordHandshake, nil)...) }, want: accuses(iana.UnexpectedMessage, "without content")},
	{name: "a record twice", do: func(c *handClient) {
		r := c.seal12(iana.RecordApplicationData, []byte("once"))
		c.raw(r...)
		c.raw(r...)
	}, data: "once", want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "change_cipher_spec", do: func(c *handClient) { c.raw(c.seal12(iana.RecordChangeCipherSpec, []byte{1})...) }, want: accuses(iana.UnexpectedMessage, "change_cipher_spec")},
	{name: "data without protection", do: func(c *handClient) { c.raw(append([]byte{23, 3, 3, 0, 64}, make([]byte, 64)...)...) }, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "an alert without protection", do: func(c *handClient) { c.raw(21, 3, 3, 0, 2, 2, 40) }, want: accuses(iana.BadRecordMAC, "")},
	{name: "user_canceled", do: func(c *handClient) {
		c.record(iana.RecordAlert, 1, byte(iana.UserCanceled))
		c.record(iana.RecordApplicationData, []byte("data")...)
	}, data: "data"},
	{name: "user_canceled of level fatal", do: func(c *handClient) { c.record(iana.RecordAlert, 2, byte(iana.UserCanceled)) }, want: told(iana.UserCanceled)},
	{name: "a fatal alert", do: func(c *handClient) { c.record(iana.RecordAlert, 2, byte(iana.AccessDenied)) }, want: told(iana.AccessDenied)},
	{name: "a type that is unknown", do: func(c *handClient) { c.raw(24, 3, 3, 0, 1, 1) }, want: accuses(iana.UnexpectedMessage, "24")},
	{name: "a ClientHello, to renegotiate", do: func(c *handClient) {
		c.Before = c.ClientVerify
		c.messages(c.ClientHello())
	}, want: accuses(iana.NoRenegotiation, "client wants to renegotiate, which this server never does")},
	{name: "a HelloRequest", do: func(c *handClient) { c.messages(helloRequest) }, want: accuses(iana.UnexpectedMessage, "client sent hello_request")},
}

// What a client of TLS 1.2 does after the handshake that it must not do ends the connection with
// the right alert, the same one for all that is wrong inside a record.
func TestAttacksAfterTheHandshake12(t *testing.T) {
	rsa := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment})
	for _, id := range []iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384} {
		for _, at := range attacks12 {
			if at.cbc && id == iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {
				continue
			}
			t.Run(id.String()+"/"+at.name, func(t *testing.T) {
				pipe := testpeer.NewPipe()
				s := mustServer(t, pipe.Server.Recv, pipe.Server.Send, &Config{Certificates: []*Certificate{rsa}, SecurityPolicy: onlySuites(t, id)})
				c := newHandClient(t, pipe.Client, id)
				c.established(s)
				at.do(c)
				data, err := recvError(t, s)
				if data != at.data {
					t.Errorf("received %q, not %q", data, at.data)
				}
				at.want.check(t, "server", err)
				if at.want.kind == nil {
					mustSend(t, s, "still there")
					return
				}
				if at.want.kind == ErrAlert {
					if rec, more := c.next(); more {
						t.Errorf("%v %x answers a fatal alert", rec.RecordType, rec.data)
					}
					return
				}
				if rec, ok := c.next(); !ok || rec.RecordType != iana.RecordAlert || !bytes.Equal(rec.data, []byte{2, byte(at.want.alert)}) {
					t.Errorf("the client receives %v %x, not %v", rec.RecordType, rec.data, at.want.alert)
				}
				if rec, more := c.next(); more {
					t.Errorf("%v %x comes behind the alert", rec.RecordType, rec.data)
				}
			})
		}
	}
}

// A warning ends a connection, and the peer is told so by a fatal alert (RFC 5246, Section 7.2.2), unless
// warnings are ignored, of which there may be four without data in between.
func TestWarnings12(t *testing.T) {
	const id = iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	warn := func(c *handClient, n int) {
		for range n {
			c.record(iana.RecordAlert, 1, byte(iana.NoRenegotiation))
		}
	}
	more := func(c *handClient) { c.record(iana.RecordApplicationData, []byte("more")...) }
	tooMany := accuses(iana.UnexpectedMessage, "client sent one warning after the other")
	for _, at := range []struct {
		name   string
		ignore bool
		before bool // the end of the handshake
		do     func(c *handClient)
		data   string
		want   failure
	}{
		{name: "one", do: func(c *handClient) { warn(c, 1) }, want: told(iana.NoRenegotiation)},
		{name: "one, in the handshake", before: true, do: func(c *handClient) { warn(c, 1) }, want: told(iana.NoRenegotiation)},
		{name: "four, ignored", ignore: true, do: func(c *handClient) { warn(c, 4); more(c) }, data: "more"},
		{name: "four and four, ignored", ignore: true, do: func(c *handClient) { warn(c, 4); more(c); warn(c, 4); more(c) }, data: "moremore"},
		{name: "five", ignore: true, do: func(c *handClient) { warn(c, 5); more(c) }, want: tooMany},
		{name: "five, in the handshake", ignore: true, before: true, do: func(c *handClient) { warn(c, 5) }, want: tooMany},
	} {
		t.Run(at.name, func(t *testing.T) {
			pipe := testpeer.NewPipe()
			s := mustServer(t, pipe.Server.Recv, pipe.Server.Send, &Config{
				Certificates: []*Certificate{issue(t, testpeer.Template{})}, SecurityPolicy: onlySuites(t, id), IgnoreWarnings: at.ignore,
			})
			c := newHandClient(t, pipe.Client, id)
			var data string
			var err error
			if at.before {
				c.messages(c.ClientHello())
				if _, err = s.Negotiate(); err != nil {
					t.Fatal(err)
				}
				c.read()
				at.do(c)
				_, err = s.Negotiate()
			} else {
				c.established(s)
				at.do(c)
				data, err = recvError(t, s)
			}
			if data != at.data {
				t.Errorf("received %q, not %q", data, at.data)
			}
			at.want.check(t, "server", err)
			if at.want.kind == nil {
				mustSend(t, s, "still there")
				return
			}
			if rec, ok := c.next(); !ok || rec.RecordType != iana.RecordAlert || !bytes.Equal(rec.data, []byte{2, byte(iana.UnexpectedMessage)}) {
				t.Errorf("the client receives %v %x, not unexpected_message", rec.RecordType, rec.data)
			}
			if _, _, err := s.Send([]byte("x")); err == nil {
				t.Error("the server goes on sending")
			}
		})
	}
}

// A warning that comes first is of TLS 1.2, since TLS 1.3 sends no error at that level.
func TestWarningFirst(t *testing.T) {
	warning := []byte{21, 3, 3, 0, 2, 1, byte(iana.UnrecognizedName)}
	for _, alert := range [][]byte{warning, {21, 3, 3, 0, 2, 2, byte(iana.UnrecognizedName)}} {
		end := &callbacks{in: &lane{log: alert}, out: &lane{}, read: everything, write: everything}
		client := mustClient(t, end.recv, end.send, clientConfig())
		_, err := client.Negotiate()
		told(iana.UnrecognizedName).check(t, "client", err)
		answer := []byte{21, 3, 3, 0, 2, 2, byte(iana.UnexpectedMessage)}
		if answered := bytes.HasSuffix(end.out.log, answer); answered != bytes.Equal(alert, warning) {
			t.Errorf("%x is answered: %t", alert, answered)
		}
	}
}

// TestWithoutExtendedMasterSecret shakes hands with peers that do not know
// extended_master_secret, for each key exchange.
func TestWithoutExtendedMasterSecret(t *testing.T) {
	rsa := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment})
	for _, id := range []iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384} {
		for _, extended := range []bool{true, false} {
			pipe := testpeer.NewPipe()
			s := mustServer(t, pipe.Server.Recv, pipe.Server.Send, &Config{Certificates: []*Certificate{rsa}, SecurityPolicy: onlySuites(t, id)})
			c := newHandClient(t, pipe.Client, id)
			c.ScriptClient12.Extended = extended
			c.established(s)
			if got := s.State().ExtendedMasterSecret; got != extended {
				t.Errorf("%v: extended_master_secret is %v to the server, want %v", id, got, extended)
			}
			wantExport(t, s, extended)
			c.record(iana.RecordApplicationData, []byte("hello")...)
			wantRecv(t, s, "hello")
			mustSend(t, s, "world")
			if rec, _ := c.next(); string(rec.data) != "world" {
				t.Errorf("%v: the client receives %q", id, rec.data)
			}
		}
	}
	for _, extended := range []bool{true, false} {
		s := newHandServer(t, RenegotiationIgnore, nil)
		s.begin(iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, []byte{})
		s.Extended = extended
		s.step(s.client.Negotiate, BlockedOnRead)
		s.hello()
		if !s.ScriptServer12.Hello.ExtendedMasterSecret {
			t.Error("the client does not offer extended_master_secret")
		}
		s.ourFlight()
		s.step(s.client.Negotiate, BlockedOnRead)
		s.end()
		s.step(s.client.Negotiate, NotBlocked)
		if got := s.client.State().ExtendedMasterSecret; got != extended {
			t.Errorf("extended_master_secret is %v to the client, want %v", got, extended)
		}
		wantExport(t, s.client, extended)
		s.wantData("hello")
	}
}

// wantExport holds that only a session with an extended master secret is exported from.
func wantExport(t *testing.T, c *Conn, possible bool) {
	t.Helper()
	out, err := c.Export("EXPORTER-test", nil, 32)
	if possible != (err == nil && len(out) == 32) {
		t.Errorf("Export gives %d bytes and %v; it is possible: %v", len(out), err, possible)
	}
	if !possible {
		failure{kind: ErrUsage, text: "without extended_master_secret"}.check(t, "Export", err)
	}
}
