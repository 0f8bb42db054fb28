package fuzz

import (
	"errors"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

var errEOF = io.EOF

func is(err, kind error) bool { return errors.Is(err, kind) }

func anyOperation(t *testing.T) *asyncpkey.Op {
	op, err := asyncpkey.NewOp(asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: iana.Ed25519, Message: []byte("a message"),
		PublicKey: theIdentities(t).client.PublicKey(), Role: asyncpkey.Server,
	})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

var kinds = [...]error{conn.ErrIO, conn.ErrClosed, conn.ErrAlert, conn.ErrProtocol, conn.ErrInternal, conn.ErrUsage}

// called holds what is true of the return of any method.
func (k *talk) called(method string, b conn.Blocked, err error, legal ...conn.Blocked) {
	t := k.t
	t.Helper()
	if b != conn.NotBlocked && !slices.Contains(legal, b) {
		t.Fatalf("%s: %v, %v", method, b, err)
	}
	switch b {
	case conn.BlockedOnRead:
		if !k.io.readBlocked {
			t.Fatalf("%s is %v, which RecvFunc did not say", method, b)
		}
	case conn.BlockedOnWrite:
		if !k.io.writeBlocked {
			t.Fatalf("%s is %v, which SendFunc did not say", method, b)
		}
	case conn.BlockedOnApplicationInput:
		if k.io.writeBlocked {
			t.Fatalf("%s is %v with output to be written", method, b)
		}
		if method == "Negotiate" && (k.asked == nil || k.asked.answered()) {
			t.Fatalf("%s is %v, and nothing is asked", method, b)
		}
	}
	if err == nil {
		if first := k.final[method]; first != nil {
			t.Fatalf("%s: %v after %v", method, b, first)
		}
		return
	}
	if err == io.EOF {
		if method != "Recv" {
			t.Fatalf("%s: %v", method, err)
		}
		k.final[method] = err
		return
	}
	k.checkKind(method, err)
	if b != conn.NotBlocked && method != "Negotiate" && method != "Renegotiate" {
		t.Fatalf("%s: %v with %v", method, b, err)
	}
	if is(err, conn.ErrUsage) || k.closed {
		return
	}
	if first := k.final[method]; first != nil && err.Error() != first.Error() && (method == "Negotiate" || method == "Recv") {
		t.Fatalf("%s: %v after %v", method, err, first)
	}
	k.final[method] = err
}

// checkKind holds that an error is of one kind, and that there is a reason for it.
func (k *talk) checkKind(method string, err error) {
	t := k.t
	t.Helper()
	var own *conn.Error
	if !errors.As(err, &own) || len(err.Error()) < 10 {
		t.Fatalf("%s: %T: %v", method, err, err)
	}
	n := 0
	for _, kind := range kinds {
		if is(err, kind) {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%s: %v is of %d kinds", method, err, n)
	}
	because := false
	switch {
	case is(err, conn.ErrIO):
		because = k.io.failed || k.io.lied
	case is(err, conn.ErrClosed):
		because = k.closed || k.shut || k.io.failed || k.peer.ended || k.dishonest
	case is(err, conn.ErrAlert):
		because = k.dishonest || k.peer.broken != nil
	case is(err, conn.ErrProtocol):
		because = k.dishonest || k.willful || k.unusual
	case is(err, conn.ErrInternal):
		because = k.willful || k.io.lied
	case is(err, conn.ErrUsage):
		because = true
	}
	if !because {
		t.Fatalf("%s: there is no reason for %v", method, err)
	}
	var alert *conn.AlertError
	if errors.As(err, &alert) && alert.Sent == is(err, conn.ErrAlert) {
		t.Fatalf("%s: %v was sent: %v", method, err, alert.Sent)
	}
}

func (k *talk) negotiate() conn.Blocked {
	k.io.begin()
	b, err := k.c.Negotiate()
	k.called("Negotiate", b, err, conn.BlockedOnRead, conn.BlockedOnWrite, conn.BlockedOnApplicationInput)
	if err == nil && b == conn.NotBlocked {
		k.done = true
		if s := k.c.State(); !s.HandshakeDone || (s.Version == 0 || s.CipherSuite == 0) && !k.again {
			k.t.Fatalf("Negotiate is done with %+v", s)
		}
	} else if k.done && !is(err, conn.ErrClosed) && k.final["Renegotiate"] == nil {
		k.t.Fatalf("Negotiate is done, and then %v, %v", b, err)
	}
	return b
}

func (k *talk) renegotiate() {
	k.io.begin()
	b, err := k.c.Renegotiate()
	if !is(err, conn.ErrUsage) {
		k.again, k.unusual = true, true
	}
	k.called("Renegotiate", b, err, conn.BlockedOnRead, conn.BlockedOnWrite, conn.BlockedOnApplicationInput, conn.BlockedOnApplicationData)
}

func (k *talk) send(n int) bool {
	k.io.begin()
	data := pattern(k.sent, n)
	taken, b, err := k.c.Send(data)
	clear(data) // what was taken is the Conn's
	return k.tookData("Send", n, taken, b, err)
}

func (k *talk) sendv(n, parts int) {
	k.io.begin()
	data := pattern(k.sent, n)
	var buffers net.Buffers
	for c := range slices.Chunk(data, 1+n/(1+parts)) {
		buffers = append(buffers, c, nil)
	}
	before := slices.Clone(buffers)
	taken, b, err := k.c.Sendv(buffers)
	for i := range buffers {
		if len(before) != len(buffers) || len(before[i]) != len(buffers[i]) {
			k.t.Fatal("Sendv changed its buffers")
		}
	}
	k.tookData("Sendv", n, taken, b, err)
}

func (k *talk) tookData(method string, n, taken int, b conn.Blocked, err error) bool {
	k.called(method, b, err, k.orRenegotiate(conn.BlockedOnWrite)...)
	if taken < 0 || taken > n || err == nil && b == conn.NotBlocked && taken != n {
		k.t.Fatalf("%s takes %d of %d bytes: %v, %v", method, taken, n, b, err)
	}
	if taken > 0 && (k.client && !k.done && !k.c.State().HandshakeDone || k.shut) {
		k.t.Fatalf("%s takes %d bytes at a wrong time", method, taken)
	}
	k.sent += taken
	return err == nil
}

func (k *talk) recv(n int) conn.Blocked {
	k.io.begin()
	buf := make([]byte, n)
	got, b, err := k.c.Recv(buf)
	if n == 0 {
		delete(k.final, "Recv") // an empty Recv says nothing
	}
	k.called("Recv", b, err, k.orRenegotiate(conn.BlockedOnRead)...)
	if got < 0 || got > n || got > 0 && err != nil || got == 0 && n > 0 && b == conn.NotBlocked && err == nil {
		k.t.Fatalf("Recv: %d of %d bytes, %v, %v", got, n, b, err)
	}
	if want := pattern(k.got, got); string(buf[:got]) != string(want) && !k.drained {
		k.t.Fatalf("Recv: other data than was sent, after %d bytes: %.20x, want %.20x", k.got, buf[:got], want)
	}
	if k.got += got; k.got > k.peer.sentData {
		k.t.Fatalf("Recv: %d bytes of %d", k.got, k.peer.sentData)
	}
	if err == io.EOF && (!k.peer.ended || !k.c.State().PeerClosed || k.got < k.peer.sentData && !k.dishonest && !k.shut) {
		k.t.Fatalf("%v after %d bytes of %d; the peer has closed: %v", err, k.got, k.peer.sentData, k.peer.ended)
	}
	return b
}

// orRenegotiate adds what says that it is Renegotiate's turn.
func (k *talk) orRenegotiate(legal ...conn.Blocked) []conn.Blocked {
	if k.renegos > 0 {
		legal = append(legal, conn.BlockedOnApplicationInput)
	}
	return legal
}

func (k *talk) flush() conn.Blocked {
	k.io.begin()
	b, err := k.c.Flush()
	if err == nil {
		delete(k.final, "Flush") // an alert may be left after an error
	}
	k.called("Flush", b, err, conn.BlockedOnWrite)
	return b
}

func (k *talk) peek() {
	if n := k.c.Peek(); n < 0 || n > 16384 || k.closed && n > 0 {
		k.t.Fatalf("Peek: %d", n)
	}
}

func (k *talk) shutdown() conn.Blocked {
	k.io.begin()
	k.shut, k.drained, k.unusual = true, true, true
	b, err := k.c.Shutdown()
	delete(k.final, "Shutdown")
	k.called("Shutdown", b, err, conn.BlockedOnRead, conn.BlockedOnWrite)
	return b
}

func (k *talk) shutdownSend() {
	k.io.begin()
	k.shut, k.unusual = true, true
	b, err := k.c.ShutdownSend()
	delete(k.final, "ShutdownSend")
	k.called("ShutdownSend", b, err, conn.BlockedOnWrite)
}

func (k *talk) updateKeys(request bool) {
	if k.updates++; k.updates > 5 { // each is answered, and that may not happen too often
		return
	}
	k.io.begin()
	b, err := k.c.UpdateKeys(request)
	k.called("UpdateKeys", b, err, conn.BlockedOnWrite)
}

func (k *talk) close() {
	k.io.begin()
	k.end()
	k.c.Close()
}

// reset takes the Conn up again, with another peer.
func (k *talk) reset(how byte) {
	k.io.begin()
	if k.asked != nil && !k.asked.answered() {
		k.past = append(k.past, k.asked)
	}
	same := k.cfg
	k.forged, k.again, k.drained = false, false, false
	k.dishonest, k.unusual, k.willful, k.mute, k.closed, k.shut, k.done = false, false, false, false, false, false, false
	k.sent, k.got, k.updates, k.renegos, k.asked, k.timers = 0, 0, 0, 0, nil, nil
	k.io.failed, k.io.lied, k.io.idle, k.io.in, k.io.out = false, false, [2]int{}, 0, 0
	k.newPeer()
	cfg := k.cfg
	switch how % 3 {
	case 1:
		cfg, k.cfg = nil, same
	case 2:
		cfg, k.cfg = same, same
	}
	if err := k.c.Reset(k.io.read, k.io.write, cfg); err != nil {
		k.t.Fatalf("Reset: %v", err)
	}
	if s := k.c.State(); s.HandshakeDone || s.WireIn+s.WireOut+s.AppIn+s.AppOut > 0 || s.Version != 0 || s.Waiting != "" || k.c.Value() != nil {
		k.t.Fatalf("Reset leaves %+v", s)
	}
	k.misapply()
}

// change makes a setting of the Conn's own, which is refused once it has begun.
func (k *talk) change(how byte) {
	var err error
	harmless := false
	switch how & 15 {
	case 0:
		harmless = true
		err = k.c.SetServerName("localhost")
	case 1:
		err = k.c.SetServerName(string(make([]byte, int(how)+100)))
	case 2:
		harmless = len(k.cfg.ALPN) > 0
		err = k.c.SetALPN("two", "one")
	case 3:
		if err = k.c.SetALPN(""); err == nil {
			k.t.Fatal("an empty protocol is taken")
		}
	case 4:
		err = k.c.SetPolicy("default_tls13")
	case 5:
		if err = k.c.SetPolicy("no policy"); err == nil {
			k.t.Fatal("a policy that there is not is taken")
		}
	case 6:
		err = k.c.SetClientAuth(conn.ClientAuth(how >> 4))
	case 7:
		err = k.c.SetGroups(iana.Secp256r1)
	case 8:
		err = k.c.SetGroups()
	case 9:
		err = k.c.SetSchemes(iana.ECDSASecp256r1SHA256)
	case 10:
		err = k.c.SetSchemes(iana.SignatureScheme(how))
	default:
		k.c.SetValue(how)
		if k.c.Value() != how {
			k.t.Fatalf("Value is %v, not %v", k.c.Value(), how)
		}
		harmless = true
	}
	if err != nil {
		k.checkKind("a setting", err)
		if !is(err, conn.ErrUsage) && !k.closed {
			k.t.Fatalf("a setting: %v", err)
		}
		return
	}
	k.unusual = k.unusual || !harmless
}

// checkState holds that State counts as we do.
func (k *talk) checkState() {
	s := k.c.State()
	if !k.io.lied && (s.WireIn != k.io.in || s.WireOut != k.io.out) || s.AppIn != uint64(k.got) && !k.shut || s.AppOut != uint64(k.sent) {
		k.t.Fatalf("State says that %d and %d bytes went in and %d and %d out, which was %d and %d, %d and %d",
			s.WireIn, s.AppIn, s.WireOut, s.AppOut, k.io.in, k.got, k.io.out, k.sent)
	}
}

// complete brings an honest handshake to its end, and lets both sides talk.
func (k *talk) complete() {
	for range 1000 {
		if b := k.negotiate(); b == conn.NotBlocked && k.peer.done {
			break
		} else if b == conn.BlockedOnApplicationInput {
			k.reply(answerWell)
		}
		k.peer.pump()
	}
	if !k.done || !k.peer.done {
		k.t.Fatalf("nobody did anything wrong; the Conn is done: %v; its peer: %v, %v", k.done, k.peer.done, k.peer.broken)
	}
	k.compare()
	k.peer.data(100)
	k.send(100)
	for range 1000 {
		k.flush()
		k.peer.pump()
		if k.got == k.peer.sentData {
			break
		}
		if k.recv(5000); k.unusual {
			return // to renegotiate, which no server of ours does
		}
	}
	if k.got != k.peer.sentData || k.sent != k.peer.gotData && !k.peer.ended {
		k.t.Fatalf("%d of %d bytes came in, %d of %d went out", k.got, k.peer.sentData, k.peer.gotData, k.sent)
	}
	k.checkState()
	if k.peer.broken != nil {
		k.t.Fatalf("the peer is not content: %v", k.peer.broken)
	}
	k.part()
}

// compare holds that both sides have settled the same.
func (k *talk) compare() {
	s, r := k.c.State(), &k.peer.m.Result
	if s.Version != r.Version || s.CipherSuite != r.CipherSuite || s.Group != r.Group || s.ALPN != r.ALPN ||
		s.HelloRetry != r.Retried || s.ClientAuth != r.ClientAuth || s.Scheme != r.PeerScheme || s.PeerScheme != r.Scheme {
		k.t.Fatalf("the Conn has settled %v %v %v %q %v %v %v %v, its peer %v %v %v %q %v %v %v %v",
			s.Version, s.CipherSuite, s.Group, s.ALPN, s.HelloRetry, s.ClientAuth, s.Scheme, s.PeerScheme,
			r.Version, r.CipherSuite, r.Group, r.ALPN, r.Retried, r.ClientAuth, r.PeerScheme, r.Scheme)
	}
}

// part closes both sides.
func (k *talk) part() {
	b := k.shutdown()
	k.peer.pump()
	if !k.peer.heardAlert || iana.Alert(k.peer.heard[1]) != iana.CloseNotify {
		k.t.Fatalf("Shutdown: %v, and the peer hears no close_notify", b)
	}
	if !k.peer.ended {
		if b != conn.BlockedOnRead {
			k.t.Fatalf("Shutdown: %v before the peer's close_notify", b)
		}
		k.peer.alert(1, iana.CloseNotify)
		k.peer.flush()
	}
	if b := k.shutdown(); b != conn.NotBlocked {
		k.t.Fatalf("Shutdown: %v after close_notify of both", b)
	}
	if b := k.recv(1); b != conn.NotBlocked || k.final["Recv"] != io.EOF {
		k.t.Fatalf("Recv: %v, %v after close_notify", b, k.final["Recv"])
	}
}
