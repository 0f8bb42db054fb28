package conn

import (
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
)

// zeroRTT stops a handshake where the server has read the client's first flight, early data and
// all: it has accepted it, refused it, or asked for another ClientHello. The client has not read
// the answer: it is the attacker. If follows is set it has, and has the keys for what comes then.
func zeroRTT(t *testing.T, what EarlyDataStatus, retry, follows bool) (v *Conn, a *attacker) {
	t.Helper()
	client, server := earlyConfigs(t)
	holds := false
	client.OnVerify = func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) {
		if !holds {
			_ = op.Answer(Accept)
		}
	}
	blob := sessionOf(t, client, server)
	client, server = client.Clone(), server.Clone()
	if retry {
		server.Groups = []iana.Group{iana.Secp384r1}
	}
	if holds = follows; follows { // by a full handshake, which the client's application holds up
		server.TicketKeys = NewTicketKeys(TicketKeysConfig{})
	}
	p := newPair(t, client, server)
	if err := p.client.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	if n, b, err := p.client.SendEarlyData([]byte("early")); n != 5 || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	if what == EarlyDataOK {
		wantEarly(t, p.server, "early")
	} else if b, err := p.server.Negotiate(); b != BlockedOnRead || err != nil {
		t.Fatal(b, err)
	}
	if s := p.server.State(); s.EarlyData != what {
		t.Fatalf("early data is %v, not %v", s.EarlyData, what)
	}
	if follows {
		if b, err := p.client.Negotiate(); b != BlockedOnApplicationInput || err != nil {
			t.Fatal(b, err)
		}
	}
	return p.server, &attacker{Conn: p.client}
}

// wantEarly receives early data that is there.
func wantEarly(t testing.TB, c *Conn, want string) {
	t.Helper()
	buf := make([]byte, 100)
	if n, b, err := c.RecvEarlyData(buf); string(buf[:n]) != want || b != BlockedOnEarlyData || err != nil {
		t.Fatalf("early data %q, %v, %v", buf[:n], b, err)
	}
}

// garbage is a record that looks like one of protected data, of n bytes at least.
func garbage(n int) []byte {
	return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, repeat(n, 0x55)...)
}

// What a client does in place of early data, or after it, ends the handshake with the right alert
// where it is wrong, and nowhere else (RFC 8446, Sections 4.2.10 and 4.5).
func TestAttacksWithEarlyData(t *testing.T) {
	type mode struct {
		what           EarlyDataStatus
		retry, follows bool
	}
	accepted, refused := mode{what: EarlyDataOK}, mode{what: EarlyDataRejected}
	retried, followed := mode{what: EarlyDataRejected, retry: true}, mode{what: EarlyDataRejected, follows: true}
	for _, c := range []struct {
		name string
		mode mode
		do   func(t *testing.T, a *attacker)
		want failure // nothing = the server waits for more
	}{
		{"accepted: change_cipher_spec", accepted, func(_ *testing.T, a *attacker) { a.raw(dummyCCS...) }, failure{}},
		{"accepted: end_of_early_data with contents", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 5, 0, 0, 1, 0) }, accuses(iana.DecodeError, "end_of_early_data of 1 bytes")},
		{"accepted: more behind end_of_early_data", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 5, 0, 0, 0, 20) }, accuses(iana.UnexpectedMessage, "in the same record, where keys change")},
		{"accepted: early data in the middle of end_of_early_data", accepted, func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, 5, 0)
			a.sealNow(t, iana.RecordApplicationData, 'x')
		}, accuses(iana.UnexpectedMessage, "application data in the middle of a handshake message")},
		{"accepted: early data behind end_of_early_data", accepted, func(t *testing.T, a *attacker) {
			a.sealNow(t, iana.RecordHandshake, 5, 0, 0, 0)
			a.sealNow(t, iana.RecordApplicationData, 'x')
		}, accuses(iana.BadRecordMAC, "does not authenticate")},
		{"accepted: Finished in its place", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 20, 0, 0, 32) }, accuses(iana.UnexpectedMessage, "finished where end_of_early_data is expected")},
		{"accepted: a KeyUpdate", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 24, 0, 0, 1, 0) }, accuses(iana.UnexpectedMessage, "key_update where end_of_early_data is expected")},
		{"accepted: a fatal alert", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordAlert, 2, 80) }, told(iana.InternalError)},
		{"accepted: close_notify", accepted, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordAlert, 1, 0) }, failure{kind: ErrClosed, text: "client closed the connection during the handshake"}},
		{"accepted: an alert without protection", accepted, func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 80) }, accuses(iana.UnexpectedMessage, "without protection")},
		{"accepted: 33 records without content", accepted, func(t *testing.T, a *attacker) {
			for range 33 {
				a.sealNow(t, iana.RecordApplicationData)
			}
		}, accuses(iana.UnexpectedMessage, "without content in a row")},
		{"accepted: garbage", accepted, func(_ *testing.T, a *attacker) { a.raw(garbage(50)...) }, accuses(iana.BadRecordMAC, "does not authenticate")},

		{"refused: garbage, change_cipher_spec and records too short for a tag", refused, func(_ *testing.T, a *attacker) {
			a.raw(garbage(16640)...)
			a.raw(dummyCCS...)
			a.raw(garbage(1)...)
			a.raw(garbage(0)...)
		}, failure{}},
		{"refused: more garbage than there may be early data", refused, func(_ *testing.T, a *attacker) {
			a.raw(garbage(16640)...)
			a.raw(garbage(16640)...)
		}, accuses(iana.UnexpectedMessage, "more early data than it was allowed")},
		{"refused: an overlong record", refused, func(_ *testing.T, a *attacker) { a.raw(garbage(16641)...) }, accuses(iana.RecordOverflow, "16641")},
		{"refused: a message without protection", refused, func(_ *testing.T, a *attacker) { a.raw(22, 3, 3, 0, 4, 20, 0, 0, 0) }, accuses(iana.UnexpectedMessage, "without protection")},
		{"refused: an alert without protection, as from a client that could not follow", refused, func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 47) }, told(iana.IllegalParameter)},
		{"refused: garbage behind the beginning of Finished", followed, func(t *testing.T, a *attacker) {
			a.raw(garbage(50)...)
			a.sealNow(t, iana.RecordHandshake, 20, 0)
			a.raw(garbage(50)...)
		}, accuses(iana.BadRecordMAC, "does not authenticate")},
		{"refused: end_of_early_data all the same", followed, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordHandshake, 5, 0, 0, 0) }, accuses(iana.UnexpectedMessage, "end_of_early_data where finished is expected")},
		{"refused: application data before Finished", followed, func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordApplicationData, 'x') }, accuses(iana.UnexpectedMessage, "application data during the handshake")},

		{"retried: garbage, change_cipher_spec and records without content", retried, func(_ *testing.T, a *attacker) {
			a.raw(garbage(16384)...)
			a.raw(dummyCCS...)
			a.raw(garbage(0)...)
		}, failure{}},
		{"retried: more garbage than there may be early data", retried, func(_ *testing.T, a *attacker) {
			a.raw(garbage(16384)...)
			a.raw(garbage(16384)...)
		}, accuses(iana.UnexpectedMessage, "more early data than it was allowed")},
		{"retried: garbage behind the beginning of a ClientHello", retried, func(_ *testing.T, a *attacker) {
			a.raw(22, 3, 3, 0, 2, 1, 0)
			a.raw(garbage(50)...)
		}, accuses(iana.UnexpectedMessage, "application data of 50 bytes without protection")},
		{"retried: a fatal alert", retried, func(_ *testing.T, a *attacker) { a.raw(21, 3, 3, 0, 2, 2, 47) }, told(iana.IllegalParameter)},
		{"retried: Finished", retried, func(_ *testing.T, a *attacker) { a.raw(22, 3, 3, 0, 4, 20, 0, 0, 0) }, accuses(iana.UnexpectedMessage, "finished where client_hello is expected")},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, a := zeroRTT(t, c.mode.what, c.mode.retry, c.mode.follows)
			c.do(t, a)
			b, err := v.Negotiate()
			for b == BlockedOnEarlyData && err == nil {
				_, b, err = v.RecvEarlyData(make([]byte, 10))
			}
			c.want.check(t, "server", err)
			if c.want.kind == nil {
				// Nothing has been lost of what the client goes on with.
				p := &pair{client: a.Conn, server: v}
				for range 10 {
					if _, _, err := v.RecvEarlyData(make([]byte, 10)); err != nil {
						t.Fatal(err)
					}
					if _, err := a.Negotiate(); err != nil {
						t.Fatal(err)
					}
				}
				p.mustNegotiate(t)
				exchange(t, a.Conn, v, []byte("still there"))
				return
			}
			if s := v.State(); s.HandshakeDone {
				t.Error("the handshake is done")
			}
			if _, again := v.Negotiate(); again == nil || again.Error() != err.Error() {
				t.Errorf("the error was %v, and is now %v", err, again)
			}
		})
	}
}
