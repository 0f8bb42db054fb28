package conn

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/record"
)

// attacker is a peer that has the keys and keeps to no rule.
type attacker struct {
	*Conn
	sealer *record.AEAD13
}

// attack takes the place of c, whose handshake is complete and which has sent nothing
// since.
func attack(t testing.TB, c *Conn) *attacker {
	t.Helper()
	return &attacker{c, protect(t, c.suite, c.secret)}
}

// protect returns the protection of a traffic secret.
func protect(t testing.TB, id iana.CipherSuite, secret handshake.Secret) *record.AEAD13 {
	t.Helper()
	aead, iv, err := protection(suite.Lookup(id), &secret)
	if err != nil {
		t.Fatal(err)
	}
	return record.NewAEAD13(aead, iv, 0)
}

// raw puts bytes on the wire as they are.
func (a *attacker) raw(b ...byte) {
	if n, err := a.send(b); n != len(b) || err != nil {
		panic(err) // of a wire in memory
	}
}

// seal protects any content, of any length and type.
func (a *attacker) seal(t iana.RecordType, content []byte, pad int) []byte {
	rec := make([]byte, record.HeaderLen, record.HeaderLen+len(content)+1+pad+16)
	rec, err := a.sealer.Seal(append(rec, content...), t, pad)
	if err != nil {
		panic(err)
	}
	return rec
}

func (a *attacker) record(t iana.RecordType, content ...byte) { a.raw(a.seal(t, content, 0)...) }

func (a *attacker) handshake(t iana.Message, body ...byte) {
	a.record(iana.RecordHandshake, append([]byte{byte(t), 0, byte(len(body) >> 8), byte(len(body))}, body...)...)
}

func (a *attacker) alert(level byte, alert iana.Alert) {
	a.record(iana.RecordAlert, level, byte(alert))
}

func (a *attacker) data(text string) { a.record(iana.RecordApplicationData, []byte(text)...) }

// updateKeys moves the attacker's key on, as the peer's KeyUpdate does.
func (a *attacker) updateKeys(t testing.TB, request byte) {
	t.Helper()
	a.handshake(iana.KeyUpdate, request)
	a.secret = a.secret.Next()
	a.sealer = protect(t, a.suite, a.secret)
}

// ticket is a NewSessionTicket without extensions.
var ticket = []byte{0, 0, 0, 60, 1, 2, 3, 4, 1, 9, 0, 1, 7, 0, 0}

const (
	clientOnly = 1 << iota // the victim is a client
	serverOnly
)

// attacks are what a peer may do once the handshake is complete, with the data that the
// victim still receives and how it ends: nothing at all, or with its complaint.
var attacks = []struct {
	name   string
	victim int
	do     func(t *testing.T, a *attacker)
	data   string
	want   failure
	eof    bool
}{
	// Records.
	{name: "data and no more", do: func(_ *testing.T, a *attacker) { a.data("one"); a.data("two") }, data: "onetwo"},
	{name: "a flipped bit in the tag", do: func(_ *testing.T, a *attacker) {
		a.data("good")
		r := a.seal(iana.RecordApplicationData, []byte("bad"), 0)
		r[len(r)-1] ^= 1
		a.raw(r...)
	}, data: "good", want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a flipped bit in the header's length, which the tag covers", do: func(_ *testing.T, a *attacker) {
		r := a.seal(iana.RecordApplicationData, []byte("bad"), 0)
		r[4]--
		a.raw(r[:len(r)-1]...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a record twice", do: func(_ *testing.T, a *attacker) {
		r := a.seal(iana.RecordApplicationData, []byte("once"), 0)
		a.raw(r...)
		a.raw(r...)
	}, data: "once", want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "two records in the wrong order", do: func(_ *testing.T, a *attacker) {
		first := a.seal(iana.RecordApplicationData, []byte("first"), 0)
		a.raw(a.seal(iana.RecordApplicationData, []byte("second"), 0)...)
		a.raw(first...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a header of 2^14 + 257 bytes", do: func(_ *testing.T, a *attacker) { a.raw(23, 3, 3, 0x41, 1) }, want: accuses(iana.RecordOverflow, "16641 bytes, more than 16640")},
	{name: "2^14 + 1 bytes of content", do: func(_ *testing.T, a *attacker) {
		a.raw(a.seal(iana.RecordApplicationData, make([]byte, 16385), 0)...)
	}, want: accuses(iana.RecordOverflow, "16385 bytes")},
	{name: "2^14 + 1 bytes, most of them padding", do: func(_ *testing.T, a *attacker) {
		a.raw(a.seal(iana.RecordApplicationData, []byte("x"), 16384)...)
	}, want: accuses(iana.RecordOverflow, "16385 bytes")},
	{name: "padding up to 2^14 bytes", do: func(_ *testing.T, a *attacker) {
		a.raw(a.seal(iana.RecordApplicationData, []byte("padded"), 16384-6)...)
	}, data: "padded"},
	{name: "zeros only", do: func(_ *testing.T, a *attacker) { a.raw(a.seal(0, make([]byte, 20), 0)...) }, want: accuses(iana.UnexpectedMessage, "without a type")},
	{name: "an inner type that is unknown", do: func(_ *testing.T, a *attacker) { a.record(99, 1) }, want: accuses(iana.UnexpectedMessage, "type 99")},
	{name: "an outer type that is unknown", do: func(_ *testing.T, a *attacker) { a.raw(24, 3, 3, 0, 1, 1) }, want: accuses(iana.UnexpectedMessage, "24")},
	{name: "a header of SSLv2 times", do: func(_ *testing.T, a *attacker) { a.raw(23, 2, 0, 0, 1, 1) }, want: accuses(iana.ProtocolVersion, "0x0200")},
	{name: "another version in a header", do: func(_ *testing.T, a *attacker) {
		r := a.seal(iana.RecordApplicationData, []byte("bad"), 0)
		r[2] = 1
		a.raw(r...)
	}, want: accuses(iana.ProtocolVersion, "0x0301")},
	{name: "32 records without content", do: func(_ *testing.T, a *attacker) {
		for range 32 {
			a.data("")
		}
		a.data("all the same")
	}, data: "all the same"},
	{name: "33 records without content", do: func(_ *testing.T, a *attacker) {
		for range 33 {
			a.data("")
		}
	}, want: accuses(iana.UnexpectedMessage, "without content in a row")},
	{name: "change_cipher_spec", do: func(_ *testing.T, a *attacker) { a.data("x"); a.raw(20, 3, 3, 0, 1, 1) }, data: "x", want: accuses(iana.UnexpectedMessage, "change_cipher_spec")},
	{name: "change_cipher_spec under protection", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordChangeCipherSpec, 1) }, want: accuses(iana.UnexpectedMessage, "change_cipher_spec")},
	{name: "a handshake record without protection", do: func(_ *testing.T, a *attacker) { a.raw(22, 3, 3, 0, 5, 24, 0, 0, 1, 0) }, want: accuses(iana.UnexpectedMessage, "without protection")},
	{name: "an alert without protection", do: func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 40) }, want: accuses(iana.UnexpectedMessage, "without protection")},
	{name: "close_notify without protection", do: func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 1, 0) }, want: accuses(iana.UnexpectedMessage, "without protection")},
	{name: "application data without protection", do: func(_ *testing.T, a *attacker) {
		a.raw(append([]byte{23, 3, 3, 0, 30}, bytes.Repeat([]byte("A"), 30)...)...)
	}, want: accuses(iana.BadRecordMAC, "does not authenticate")},

	// Alerts.
	{name: "close_notify", do: func(_ *testing.T, a *attacker) { a.data("bye"); a.alert(1, iana.CloseNotify) }, data: "bye", eof: true},
	{name: "close_notify of level fatal", do: func(_ *testing.T, a *attacker) { a.alert(2, iana.CloseNotify) }, eof: true},
	{name: "close_notify of level 0", do: func(_ *testing.T, a *attacker) { a.alert(0, iana.CloseNotify) }, eof: true},
	{name: "data after close_notify", do: func(_ *testing.T, a *attacker) { a.alert(1, iana.CloseNotify); a.data("late") }, eof: true},
	{name: "garbage after close_notify", do: func(_ *testing.T, a *attacker) { a.alert(1, iana.CloseNotify); a.raw(1, 2, 3, 4, 5, 6) }, eof: true},
	{name: "a fatal alert", do: func(_ *testing.T, a *attacker) { a.data("x"); a.alert(2, iana.AccessDenied) }, data: "x", want: told(iana.AccessDenied)},
	{name: "an alert of level warning, which is fatal all the same", do: func(_ *testing.T, a *attacker) { a.alert(1, iana.NoRenegotiation) }, want: told(iana.NoRenegotiation)},
	{name: "an alert of level 77", do: func(_ *testing.T, a *attacker) { a.alert(77, iana.InternalError) }, want: accuses(iana.IllegalParameter, "sent alert internal_error of unknown level 77")},
	{name: "an unknown alert", do: func(_ *testing.T, a *attacker) { a.alert(2, 201) }, want: failure{ErrAlert, 201, "201"}},
	{name: "user_canceled, and then data", do: func(_ *testing.T, a *attacker) { a.alert(1, iana.UserCanceled); a.data("x") }, data: "x"},
	{name: "user_canceled, and then close_notify", do: func(_ *testing.T, a *attacker) { a.alert(1, iana.UserCanceled); a.alert(1, iana.CloseNotify) }, eof: true},
	{name: "user_canceled five times", do: func(_ *testing.T, a *attacker) {
		for range 5 {
			a.alert(1, iana.UserCanceled)
		}
	}, want: accuses(iana.UnexpectedMessage, "user_canceled again and again")},
	{name: "half an alert", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordAlert, 2) }, want: accuses(iana.DecodeError, "1 bytes instead of 2")},
	{name: "an alert in two records", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordAlert, 2); a.record(iana.RecordAlert, 40) }, want: accuses(iana.DecodeError, "1 bytes instead of 2")},
	{name: "two alerts in a record", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordAlert, 1, 90, 1, 0) }, want: accuses(iana.DecodeError, "4 bytes instead of 2")},
	{name: "an alert without content", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordAlert) }, want: accuses(iana.UnexpectedMessage, "without content")},

	// Handshake messages.
	{name: "a handshake record without content", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake) }, want: accuses(iana.UnexpectedMessage, "without content")},
	{name: "a ClientHello", victim: serverOnly, do: func(_ *testing.T, a *attacker) { a.handshake(iana.ClientHello, 3, 3) }, want: accuses(iana.UnexpectedMessage, "client_hello")},
	{name: "a HelloRequest", do: func(_ *testing.T, a *attacker) { a.handshake(iana.HelloRequest) }, want: accuses(iana.UnexpectedMessage, "hello_request")},
	{name: "a Finished", do: func(_ *testing.T, a *attacker) { a.handshake(iana.Finished, make([]byte, 32)...) }, want: accuses(iana.UnexpectedMessage, "finished")},
	{name: "a CertificateRequest, which was not allowed", victim: clientOnly, do: func(_ *testing.T, a *attacker) { a.handshake(iana.CertificateRequest, 0, 0, 0) }, want: accuses(iana.UnexpectedMessage, "certificate_request")},
	{name: "an end_of_early_data", do: func(_ *testing.T, a *attacker) { a.handshake(iana.EndOfEarlyData) }, want: accuses(iana.UnexpectedMessage, "end_of_early_data")},
	{name: "a message of unknown type", do: func(_ *testing.T, a *attacker) { a.handshake(99) }, want: accuses(iana.UnexpectedMessage, "99")},
	{name: "a type that is refused by its first byte", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, 1) }, want: accuses(iana.UnexpectedMessage, "client_hello")},
	{name: "a KeyUpdate of 2 MiB", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, 24, 0x20, 0, 0) }, want: accuses(iana.DecodeError, "2097152 bytes")},
	{name: "a KeyUpdate without content", do: func(_ *testing.T, a *attacker) { a.handshake(iana.KeyUpdate) }, want: accuses(iana.DecodeError, "key_update")},
	{name: "a KeyUpdate that wants 2", do: func(_ *testing.T, a *attacker) { a.handshake(iana.KeyUpdate, 2) }, want: accuses(iana.IllegalParameter, "key_update")},
	{name: "bytes after a KeyUpdate", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, 24, 0, 0, 1, 0, 24, 0, 0, 1, 0) }, want: accuses(iana.UnexpectedMessage, "key")},
	{name: "the old key after a KeyUpdate", do: func(_ *testing.T, a *attacker) { a.handshake(iana.KeyUpdate, 0); a.data("old") }, want: accuses(iana.BadRecordMAC, "does not authenticate")},
	{name: "a KeyUpdate in single bytes", do: func(t *testing.T, a *attacker) {
		for _, b := range []byte{24, 0, 0, 1} {
			a.record(iana.RecordHandshake, b)
		}
		a.record(iana.RecordHandshake, 0)
		a.secret = a.secret.Next()
		*a = *attack(t, a.Conn)
		a.data("new key")
	}, data: "new key"},
	{name: "32 KeyUpdates", do: func(t *testing.T, a *attacker) {
		for range 32 {
			a.updateKeys(t, 0)
		}
		a.data("that is enough")
	}, data: "that is enough"},
	{name: "33 KeyUpdates", do: func(t *testing.T, a *attacker) {
		for range 33 {
			a.updateKeys(t, 1)
		}
	}, want: accuses(iana.UnexpectedMessage, "33 messages after the handshake without application data")},
	{name: "data without content between KeyUpdates", do: func(t *testing.T, a *attacker) {
		for range 33 {
			a.updateKeys(t, 0)
			a.data("")
		}
	}, want: accuses(iana.UnexpectedMessage, "33 messages")},
	{name: "data between KeyUpdates", do: func(t *testing.T, a *attacker) {
		for range 50 {
			a.updateKeys(t, 1)
			a.data("d")
		}
	}, data: string(bytes.Repeat([]byte("d"), 50))},
	{name: "tickets, which nobody wanted", victim: clientOnly, do: func(_ *testing.T, a *attacker) {
		for range 10 {
			a.handshake(iana.NewSessionTicket, ticket...)
		}
		a.data("x")
	}, data: "x"},
	{name: "two tickets in a record and one in three", victim: clientOnly, do: func(_ *testing.T, a *attacker) {
		whole := append([]byte{4, 0, 0, byte(len(ticket))}, ticket...)
		a.record(iana.RecordHandshake, append(bytes.Clone(whole), whole...)...)
		a.record(iana.RecordHandshake, whole[:1]...)
		a.record(iana.RecordHandshake, whole[1:9]...)
		a.record(iana.RecordHandshake, whole[9:]...)
		a.data("x")
	}, data: "x"},
	{name: "257 tickets", victim: clientOnly, do: func(_ *testing.T, a *attacker) {
		for range 257 {
			a.handshake(iana.NewSessionTicket, ticket...)
		}
	}, want: accuses(iana.UnexpectedMessage, "257 tickets")},
	{name: "33 KeyUpdates among as many tickets", victim: clientOnly, do: func(t *testing.T, a *attacker) {
		for range 33 {
			a.handshake(iana.NewSessionTicket, ticket...)
			a.updateKeys(t, 0)
		}
	}, want: accuses(iana.UnexpectedMessage, "33 messages")},
	{name: "a ticket cut short", victim: clientOnly, do: func(_ *testing.T, a *attacker) { a.handshake(iana.NewSessionTicket, ticket[:9]...) }, want: accuses(iana.DecodeError, "new_session_ticket")},
	{name: "a ticket of a client", victim: serverOnly, do: func(_ *testing.T, a *attacker) { a.handshake(iana.NewSessionTicket, ticket...) }, want: accuses(iana.UnexpectedMessage, "new_session_ticket")},
	{name: "data in the middle of a message", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, 24, 0); a.data("x") }, want: accuses(iana.UnexpectedMessage, "in the middle of a handshake message")},
	{name: "an alert in the middle of a message", do: func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, 24, 0); a.alert(2, iana.InternalError) }, want: accuses(iana.UnexpectedMessage, "in the middle of a handshake message")},
}

// What a peer does after the handshake that it must not do ends the connection with the
// right alert; what it may do does not.
func TestAttacksAfterTheHandshake(t *testing.T) {
	for _, at := range attacks {
		for _, victim := range []int{clientOnly, serverOnly} {
			if at.victim != 0 && at.victim != victim {
				continue
			}
			name := map[int]string{clientOnly: "client", serverOnly: "server"}[victim]
			t.Run(at.name+", to a "+name, func(t *testing.T) {
				p := established(t, quick(clientConfig()), quick(serverConfig(t)))
				v, a := p.client, attack(t, p.server)
				if victim == serverOnly {
					v, a = p.server, attack(t, p.client)
				}
				at.do(t, a)
				data, err := recvError(t, v)
				if data != at.data {
					t.Errorf("received %q, not %q", data, at.data)
				}
				if at.eof {
					if err == nil || err.Error() != "EOF" || !v.State().PeerClosed {
						t.Errorf("the error is %v, want io.EOF", err)
					}
					mustSend(t, v, "half-closed")
					return
				}
				at.want.check(t, name, err)
				if at.want.kind == nil {
					mustSend(t, v, "still there")
					return
				}
				for range 2 { // final, in both directions
					_, again := recvError(t, v)
					_, _, sending := v.Send([]byte("x"))
					if again == nil || sending == nil || again.Error() != err.Error() || sending.Error() != err.Error() {
						t.Errorf("the error was %v; now Recv says %v and Send %v", err, again, sending)
					}
				}
				if b, err := v.Shutdown(); b != NotBlocked || err != nil {
					t.Errorf("Shutdown: %v, %v", b, err)
				}
				_, theirs := recvError(t, a.Conn)
				if at.want.kind == ErrProtocol {
					told(at.want.alert).check(t, "attacker", theirs)
				} else if theirs != nil {
					t.Errorf("the victim answers the alert with %v", theirs)
				}
			})
		}
	}
}
