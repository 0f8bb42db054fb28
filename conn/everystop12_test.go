package conn

import (
	"bytes"
	"crypto"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// stopHandshake12 is what a handshake of TestEveryStop12 negotiates.
type stopHandshake12 struct {
	name      string
	suite     iana.CipherSuite
	key       testpeer.KeyKind
	questions int // 11 as in TLS 1.3; without a signature of the server's there is none to check

	sessions func(r *stopRun, client, server *Config) // makes the Configs know sessions; nil = none
	session  []byte                                   // that the client offers
}

var stopHandshakes12 = []stopHandshake12{
	{"ECDHE and GCM", iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, testpeer.KeyP256, questions, nil, nil},
	{"ECDHE and CBC", iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, testpeer.KeyP256, questions, nil, nil},
	{"DHE and GCM", iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, testpeer.KeyRSA2048, questions, nil, nil},
	{"RSA and GCM", iana.TLS_RSA_WITH_AES_256_GCM_SHA384, testpeer.KeyRSA2048, questions - 1, nil, nil},
	{"RSA and CBC", iana.TLS_RSA_WITH_AES_128_CBC_SHA, testpeer.KeyRSA2048, questions - 1, nil, nil},
}

// start returns a run of h, whose randomness is the same each time, that of RSA's padding
// included: t is the run's own.
func (h *stopHandshake12) start(t *testing.T, answer when, seed uint64, read, write func(*rand.Rand) shape, stutter, bare bool) *stopRun {
	cryptotest.SetGlobalRandom(t, 12)
	r := &stopRun{
		t: t, answer: answer, rng: rand.New(rand.NewPCG(seed, 0)),
		later: map[*Conn][]func(){}, woken: make(chan *Conn, questions+2),
	}
	wake := func(c *Conn) { r.woken <- c }
	p := onlySuites(t, h.suite)
	p.SignatureSchemes = []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPKCS1SHA256}
	serverCert := issue(t, testpeer.Template{Key: h.key})
	clientCert := issue(t, testpeer.Template{DNSNames: []string{"client"}, Key: testpeer.KeyEd25519})
	client := &Config{
		RecordSize: 1000, RootCAs: pki().Pool(), ServerName: "localhost", SecurityPolicy: p, ALPN: []string{"stop"},
		Certificates: []*Certificate{clientCert}, Wake: wake, rand: stream("client " + h.name),
	}
	server := &Config{
		RecordSize: 1000, RootCAs: pki().Pool(), SecurityPolicy: p, ALPN: []string{"go", "stop"},
		Certificates: []*Certificate{serverCert}, ClientAuth: RequireClientAuth, Wake: wake, rand: stream("server " + h.name),
	}
	if !bare {
		client.Hooks, client.RequestOCSP = r.hooks12(clientCert), true
		server.Hooks = r.hooks12(serverCert)
	}
	if h.sessions != nil {
		h.sessions(r, client, server)
	}
	if !bare {
		chosen := server
		server = &Config{Wake: wake}
		server.OnClientHello = func(c *Conn, hello *ClientHello, op *async.Op[*Config]) {
			r.ask(c, func() error { return op.Answer(chosen) })
		}
	}
	ends := [2]*callbacks{{in: &r.down, out: &r.up}, {in: &r.up, out: &r.down}}
	for _, end := range ends {
		end.read, end.write, end.stutter = read(r.rng), write(r.rng), stutter
	}
	r.client = mustClient(t, ends[0].recv, ends[0].send, client)
	r.server = mustServer(t, ends[1].recv, ends[1].send, server)
	if err := r.client.SetSession(h.session); err != nil {
		t.Fatal(err)
	}
	return r
}

// hooks12 are all hooks, which decrypt, too.
func (r *stopRun) hooks12(cert *Certificate) Hooks {
	h := r.hooks(cert)
	sign := h.OnPrivateKey
	h.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		if op.Kind() == asyncpkey.Sign {
			return sign(c, op)
		}
		r.ask(c, func() error {
			premaster, err := cert.PrivateKey.(crypto.Decrypter).Decrypt(nil, op.Input(), nil)
			if err != nil {
				return err
			}
			if err := op.SetOutput(premaster); err != nil {
				return err
			}
			return c.Apply(op)
		})
		return nil
	}
	return h
}

// all12 goes through the whole life of the connection.
func (r *stopRun) all12(t *testing.T) {
	t.Helper()
	r.negotiate(t)
	up := bytes.Repeat([]byte("from the client "), 200)
	down := bytes.Repeat([]byte("from the server "), 130)
	r.transfer(t, r.client, r.server, up)
	r.transfer(t, r.server, r.client, down)
	r.transfer(t, r.client, r.server, up[:1])
	r.shutdown(t)
	r.answering.Wait()
}

// TestEveryStop12: the bytes on the wire of TLS 1.2 do not depend on who answers a question
// when, nor on how the callbacks cut them.
func TestEveryStop12(t *testing.T) {
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
	for _, h := range append(slices.Clone(stopHandshakes12), sessionStops12(t)...) {
		t.Run(h.name, func(t *testing.T) {
			var want *stopRun
			t.Run("all at once", func(t *testing.T) {
				want = h.start(t, inHook, 0, reads["everything"], writes["everything"], false, false)
				want.all12(t)
				s := want.server.State()
				if s.Version != iana.TLS12 || s.CipherSuite != h.suite || s.ALPN != "stop" || !s.ClientAuth || want.asked != h.questions {
					t.Fatalf("the handshake is not the one that is meant: %+v, and %d questions", s, want.asked)
				}
			})
			if want == nil || t.Failed() {
				return
			}
			same := func(t *testing.T, r *stopRun) {
				t.Helper()
				r.all12(t)
				if r.asked != h.questions {
					t.Errorf("%d questions were asked, want %d", r.asked, h.questions)
				}
				if wakes := r.wakes + len(r.woken); r.answer == inHook && wakes != 0 || r.answer == nextTurn && wakes != h.questions || wakes > h.questions {
					t.Errorf("%d answers %v woke %d times", h.questions, r.answer, wakes)
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
								same(t, h.start(t, answer, 1, readShape, writeShape, stutter, false))
							})
						}
					}
				}
			}
			for seed := range uint64(rounds(16)) {
				t.Run(fmt.Sprintf("by lot %d", seed), func(t *testing.T) {
					same(t, h.start(t, anyTime, seed, short, short, seed%2 == 0, false))
				})
			}
		})
	}
}

// Hooks that answer at once and no hooks at all make the same bytes in TLS 1.2.
func TestEveryStop12WithoutHooks(t *testing.T) {
	whole := func(*rand.Rand) shape { return everything }
	for _, h := range stopHandshakes12 {
		t.Run(h.name, func(t *testing.T) {
			var with, without *stopRun
			t.Run("with", func(t *testing.T) {
				with = h.start(t, inHook, 0, whole, whole, false, false)
				with.client.hs.RequestOCSP = false // a hook that staples is an answer of its own
				with.all12(t)
			})
			t.Run("without", func(t *testing.T) {
				without = h.start(t, inHook, 0, whole, whole, false, true)
				without.all12(t)
			})
			compare(t, "client", without.up.log, with.up.log)
			compare(t, "server", without.down.log, with.down.log)
		})
	}
}
