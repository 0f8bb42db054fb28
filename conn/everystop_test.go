package conn

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// when is when a hook's question is answered.
type when uint8

const (
	inHook   when = iota
	nextTurn      // by the goroutine of Negotiate, after it has said what it waits for
	elsewhere
	anyTime // one of these, by lot
)

func (w when) String() string {
	return [...]string{"in the hook", "next turn", "on another goroutine", "any time"}[w]
}

// questions is what a run of all hooks asks: the ClientHello, the OCSP response and the
// signature on the server, the choice of the certificate and the signature on the client,
// and revocation lists, verdict and signature check on both.
const questions = 11

// stopRun is one handshake of TestEveryStop with all that follows.
type stopRun struct {
	t      *testing.T
	answer when
	rng    *rand.Rand
	up     lane // from the client
	down   lane // from the server

	client, server *Conn
	asked          int
	later          map[*Conn][]func()
	woken          chan *Conn
	wakes          int
	answering      sync.WaitGroup
}

// ask lets a question be answered by give.
func (r *stopRun) ask(c *Conn, give func() error) {
	r.asked++
	answer := func() {
		if err := give(); err != nil {
			r.t.Errorf("%s's answer: %v", c.peer(), err)
		}
	}
	w := r.answer
	if w == anyTime {
		w = when(r.rng.IntN(int(anyTime)))
	}
	switch w {
	case inHook:
		answer()
	case nextTurn:
		r.later[c] = append(r.later[c], answer)
	case elsewhere:
		r.answering.Go(answer)
	}
}

// hooks are all of them, answering with the certificate cert. Signatures are
// deterministic.
func (r *stopRun) hooks(cert *Certificate) Hooks {
	return hooksFor(cert, func(c *Conn, _ operation, give func() error) { r.ask(c, give) })
}

// operation is what all questions' operations can do.
type operation interface {
	Fail(err error) error
	Cancel() error
	SetTimeout(d time.Duration)
	Context() context.Context
}

// hooksFor are all hooks with the right answers, which ask gives when it likes.
func hooksFor(cert *Certificate, ask func(c *Conn, op operation, give func() error)) Hooks {
	return Hooks{
		OnPrivateKey: func(c *Conn, op *asyncpkey.Op) error {
			ask(c, op, func() error {
				signature, err := cert.PrivateKey.(crypto.Signer).Sign(nil, op.Input(), op.SignerOpts())
				if err != nil {
					return err
				}
				if err := op.SetOutput(signature); err != nil {
					return err
				}
				return c.Apply(op)
			})
			return nil
		},
		OnVerifySignature: func(c *Conn, check *SignatureCheck, op *async.Op[Verdict]) {
			ask(c, op, func() error {
				if err := check.Verify(); err != nil {
					return op.Answer(Reject(err))
				}
				return op.Answer(Accept)
			})
		},
		OnRevocationLists: func(c *Conn, _ *PeerChain, op *async.Op[[]*x509.RevocationList]) {
			ask(c, op, func() error { return op.Answer([]*x509.RevocationList{emptyCRL()}) })
		},
		OnVerify: func(c *Conn, _ *PeerChain, op *async.Op[Verdict]) {
			ask(c, op, func() error { return op.Answer(Accept) })
		},
		OnOCSPResponse: func(c *Conn, cert *Certificate, op *async.Op[[]byte]) {
			ask(c, op, func() error { return op.Answer(staple(cert)) })
		},
		OnClientCertificate: func(c *Conn, _ *CertificateRequest, op *async.Op[*Certificate]) {
			ask(c, op, func() error { return op.Answer(cert) })
		},
	}
}

// emptyCRL revokes nothing of the tests' authority.
var emptyCRL = sync.OnceValue(func() *x509.RevocationList {
	list, err := pki().CRL(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour), nil)
	if err != nil {
		panic(err)
	}
	return list
})

// stopHandshake is what a handshake of TestEveryStop negotiates.
type stopHandshake struct {
	name                       string
	clientGroups, serverGroups []iana.Group
	retry, bare                bool // bare: without hooks
}

var stopHandshakes = []stopHandshake{
	{name: "after a HelloRetryRequest", clientGroups: []iana.Group{iana.Secp256r1, iana.X25519}, serverGroups: []iana.Group{iana.X25519}, retry: true},
	{name: "with a hybrid group", clientGroups: []iana.Group{iana.X25519MLKEM768}, serverGroups: []iana.Group{iana.X25519MLKEM768}},
}

func (h *stopHandshake) configs(t *testing.T, r *stopRun) (client, server *Config) {
	serverCert := issue(t, testpeer.Template{})
	clientCert := issue(t, testpeer.Template{DNSNames: []string{"client"}, Key: testpeer.KeyEd25519})
	schemes := []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256}
	wake := func(c *Conn) { r.woken <- c }

	client = &Config{
		RecordSize: 1000, RootCAs: pki().Pool(), ServerName: "localhost", Groups: h.clientGroups, Schemes: schemes, ALPN: []string{"stop"},
		Certificates: []*Certificate{clientCert}, Wake: wake, rand: stream("client " + h.name),
	}
	server = &Config{
		RecordSize: 1000, RootCAs: pki().Pool(), Groups: h.serverGroups, Schemes: schemes, ALPN: []string{"go", "stop"},
		Certificates: []*Certificate{serverCert}, ClientAuth: RequireClientAuth, Wake: wake, rand: stream("server " + h.name),
	}
	if h.bare {
		return client, server
	}
	client.Hooks, client.RequestOCSP = r.hooks(clientCert), true
	server.Hooks = r.hooks(serverCert)
	chosen := server
	server = &Config{Wake: wake}
	server.OnClientHello = func(c *Conn, hello *ClientHello, op *async.Op[*Config]) {
		r.ask(c, func() error { return op.Answer(chosen) })
	}
	return client, server
}

// newStopRun returns a run whose callbacks have these shapes; shapes with a memory are
// made for each direction.
func newStopRun(t *testing.T, h *stopHandshake, answer when, seed uint64, read, write func(*rand.Rand) shape, stutter bool) *stopRun {
	r := &stopRun{
		t: t, answer: answer, rng: rand.New(rand.NewPCG(seed, 0)),
		later: map[*Conn][]func(){}, woken: make(chan *Conn, questions+1),
	}
	cfg, scfg := h.configs(t, r)
	ends := [2]*callbacks{{in: &r.down, out: &r.up}, {in: &r.up, out: &r.down}}
	for _, end := range ends {
		end.read, end.write, end.stutter = read(r.rng), write(r.rng), stutter
	}
	r.client = mustClient(t, ends[0].recv, ends[0].send, cfg)
	r.server = mustServer(t, ends[1].recv, ends[1].send, scfg)
	return r
}

// all goes through the whole life of the connection.
func (r *stopRun) all(t *testing.T) {
	r.negotiate(t)
	up := bytes.Repeat([]byte("from the client "), 200)
	down := bytes.Repeat([]byte("from the server "), 130)
	r.transfer(t, r.client, r.server, up)
	r.transfer(t, r.server, r.client, down)
	r.updateKeys(t, r.client, true)
	r.transfer(t, r.server, r.client, down[:100])
	r.transfer(t, r.client, r.server, up[:100])
	r.updateKeys(t, r.server, false)
	r.transfer(t, r.server, r.client, down[:1])
	r.shutdown(t)
	r.answering.Wait()
}

// turns bounds loops that would go on for ever if something were lost.
const turns = 200_000

func (r *stopRun) negotiate(t *testing.T) {
	t.Helper()
	open := []*Conn{r.client, r.server}
	for range turns {
		if len(open) == 0 {
			return
		}
		c := open[0]
		open = open[1:]
		b, err := c.Negotiate()
		if err != nil {
			t.Fatalf("%s's peer: %v", c.peer(), err)
		}
		if b == BlockedOnApplicationInput {
			r.wait(t, c)
		}
		if b != NotBlocked {
			open = append(open, c)
		}
	}
	t.Fatal("the handshake does not end")
}

// wait answers what c waits for, or waits for its answer.
func (r *stopRun) wait(t *testing.T, c *Conn) {
	t.Helper()
	if answers := r.later[c]; len(answers) > 0 {
		if len(answers) > 1 {
			t.Fatalf("%d questions are open at once", len(answers))
		}
		delete(r.later, c)
		answers[0]()
	}
	select {
	case woken := <-r.woken:
		r.wakes++
		if woken != c {
			// An answer that came between the hook's return and Negotiate's next look
			// wakes too: it may be the other side's.
			r.wait(t, c)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("an answer for %s's peer is lost", c.peer())
	}
}

func (r *stopRun) transfer(t *testing.T, from, to *Conn, data []byte) {
	t.Helper()
	buf := make([]byte, 5000)
	var got []byte
	rest := data
	for range turns {
		if len(got) >= len(data) {
			break
		}
		n, b, err := from.Send(rest)
		if len(rest) == 0 {
			b, err = from.Flush()
		}
		if err != nil || n > len(rest) || (b == NotBlocked && n != len(rest)) {
			t.Fatalf("Send(%d bytes) = %d, %v, %v", len(rest), n, b, err)
		}
		rest = rest[n:]
		n, _, err = to.Recv(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%d bytes arrived, not the %d that were sent", len(got), len(data))
	}
	r.quiet(t)
}

// quiet lets both sides read and write until nothing is under way.
func (r *stopRun) quiet(t *testing.T) {
	t.Helper()
	idle := 0
	for range turns {
		for _, c := range []*Conn{r.client, r.server} {
			if b, err := c.Flush(); err != nil || b != NotBlocked && b != BlockedOnWrite {
				t.Fatal(b, err)
			}
			if n, b, err := c.Recv(make([]byte, 1)); n != 0 || b != BlockedOnRead || err != nil {
				t.Fatal(n, b, err)
			}
		}
		idle++
		if len(r.up.waiting())+len(r.down.waiting())+r.client.wr.Pending()+r.server.wr.Pending() > 0 {
			idle = 0
		}
		if idle > 4 {
			return
		}
	}
	t.Fatal("the wire never falls silent")
}

func (r *stopRun) updateKeys(t *testing.T, c *Conn, request bool) {
	t.Helper()
	if _, err := c.UpdateKeys(request); err != nil {
		t.Fatal(err)
	}
	r.quiet(t)
}

func (r *stopRun) shutdown(t *testing.T) {
	t.Helper()
	var ended error
	for range turns {
		b, err := r.client.Shutdown()
		if err != nil {
			t.Fatal(err)
		}
		if ended == nil {
			if _, _, ended = r.server.Recv(make([]byte, 1)); ended != nil && ended != io.EOF {
				t.Fatal(ended)
			}
			continue
		}
		if _, err := r.server.Shutdown(); err != nil {
			t.Fatal(err)
		}
		if b == NotBlocked {
			return
		}
	}
	t.Fatal("the connection does not end")
}

// TestEveryStop: the bytes on the wire do not depend on who answers a question when, nor
// on how the callbacks cut them.
func TestEveryStop(t *testing.T) {
	reads := map[string]func(*rand.Rand) shape{
		"1 byte":     func(*rand.Rand) shape { return oneByte },
		"a record":   func(*rand.Rand) shape { return aRecord() },
		"everything": func(*rand.Rand) shape { return everything },
	}
	writes := map[string]func(*rand.Rand) shape{
		"1 byte":     func(*rand.Rand) shape { return oneByte },
		"short":      short,
		"everything": func(*rand.Rand) shape { return everything },
	}
	for _, h := range stopHandshakes {
		t.Run(h.name, func(t *testing.T) {
			want := newStopRun(t, &h, inHook, 0, reads["everything"], writes["everything"], false)
			want.all(t)
			if s := want.client.State(); s.HelloRetry != h.retry || s.ALPN != "stop" || !s.ClientAuth || !bytes.Equal(s.OCSPResponse, staple(issue(t, testpeer.Template{}))) {
				t.Fatalf("the handshake is not the one that is meant: %+v", s)
			}
			same := func(t *testing.T, r *stopRun) {
				t.Helper()
				r.all(t)
				if r.asked != questions {
					t.Errorf("%d questions were asked, want %d", r.asked, questions)
				}
				if wakes := r.wakes + len(r.woken); r.answer == inHook && wakes != 0 || r.answer == nextTurn && wakes != questions || wakes > questions {
					t.Errorf("%d answers %v woke %d times", questions, r.answer, wakes)
				}
				compare(t, "client", r.up.log, want.up.log)
				compare(t, "server", r.down.log, want.down.log)
			}
			for read, readShape := range reads {
				for write, writeShape := range writes {
					for answer := range anyTime {
						for _, stutter := range []bool{false, true} {
							name := fmt.Sprintf("answered %v, %s per read, %s per write, stutter %v", answer, read, write, stutter)
							t.Run(name, func(t *testing.T) {
								same(t, newStopRun(t, &h, answer, 1, readShape, writeShape, stutter))
							})
						}
					}
				}
			}
			t.Run("by lot", func(t *testing.T) {
				for seed := range uint64(rounds(100)) {
					same(t, newStopRun(t, &h, anyTime, seed, short, short, seed%2 == 0))
				}
			})
		})
	}
}

// Hooks that answer at once and no hooks at all make the same bytes, where no answer
// differs from what the library does by itself.
func TestEveryStopWithoutHooks(t *testing.T) {
	whole := func(*rand.Rand) shape { return everything }
	h := stopHandshakes[0]
	with := newStopRun(t, &h, inHook, 0, whole, whole, false)
	with.client.hs.RequestOCSP = false // a hook that staples is an answer of its own
	with.all(t)
	h.bare = true
	without := newStopRun(t, &h, inHook, 0, whole, whole, false)
	without.all(t)
	compare(t, "client", without.up.log, with.up.log)
	compare(t, "server", without.down.log, with.down.log)
}

func compare(t *testing.T, who string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	t.Errorf("the %s sent other bytes from byte %d on (%d bytes, want %d)", who, i, len(got), len(want))
}
