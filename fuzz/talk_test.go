package fuzz

import (
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// talk is a Conn under test, its application, its wire and its peer.
type talk struct {
	application
	setup          bits
	client         bool
	c              *conn.Conn
	cfg            *conn.Config
	io             callbacks
	toConn, toPeer line
	peer           *peer
	asked          *question
	past           []*question // of connections that are gone
	timers         []func()
	inHook         bool
	wakes          int

	// What happened so far:
	dishonest bool // the peer or the wire broke a rule
	forged    bool // what the Conn sends is not what its peer gets
	unusual   bool // the Conn's application ended it, or changed it so that it may fail
	closed    bool
	shut      bool // Shutdown or ShutdownSend was called
	drained   bool // Shutdown has dropped data, maybe
	done      bool // Negotiate is
	again     bool // Renegotiate was called
	sent, got int  // bytes of application data
	final     map[string]error
	updates   int // of keys
	renegos   int // questions whether to renegotiate
}

func newTalk(t *testing.T, setup uint32, answers, faults []byte) *talk {
	cryptotest.SetGlobalRandom(t, 1)
	k := &talk{setup: bits(setup)}
	k.io = callbacks{k: k, faults: &script{faults}}
	k.application = application{
		t: t, answers: &script{answers},
		key: func() crypto.PrivateKey {
			if k.client {
				return theIdentities(t).client.PrivateKey
			}
			return k.c.State().Certificate.PrivateKey
		},
		apply:  func(op *asyncpkey.Op) error { return k.c.Apply(op) },
		config: k.configure,
	}
	k.client = k.setup.flag()
	var err error
	k.newPeer()
	if k.client {
		k.c, err = conn.NewClient(k.io.read, k.io.write, k.cfg)
	} else {
		k.c, err = conn.NewServer(k.io.read, k.io.write, k.cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newPeer makes a new wire and a new peer, with configurations that fit.
func (k *talk) newPeer() {
	if k.peer != nil {
		k.peer.close()
	}
	setup := k.setup
	client, server := machineConfigs(k.t, &setup)
	cfg, other := k.connConfig(server), client
	if k.client {
		cfg, other = k.connConfig(client), server
	}
	k.cfg, k.toConn, k.toPeer, k.final = cfg, line{}, line{}, map[string]error{}
	other.Asks = 0
	k.peer = newPeer(k.t, other, !k.client, &k.toPeer, &k.toConn)
	k.strict = cfg.Validation == asyncpkey.Strict
	k.unusual = k.unusual || server.ClientAuth == handshake.RequireClientAuth && client.Certificates == nil
}

// connConfig makes a Conn's Config that means the same as h.
func (k *talk) connConfig(h *handshake.Config) *conn.Config {
	id := theIdentities(k.t)
	suites := slices.DeleteFunc(slices.Clone(h.Suites), func(s iana.CipherSuite) bool {
		return s.IsTLS13() && h.MaxVersion < iana.TLS13 || !s.IsTLS13() && h.MinVersion > iana.TLS12
	})
	cfg := &conn.Config{
		SecurityPolicy: &policy.Policy{
			Name: "fuzz", MinVersion: h.MinVersion, MaxVersion: h.MaxVersion, CipherSuites: suites,
			SignatureSchemes: h.OfferedSchemes, CertificateSignatureSchemes: h.CertificateSchemes, Curves: h.GroupOrder,
		},
		ServerName: "localhost", RootCAs: id.roots, ClientAuth: h.ClientAuth, ALPN: h.ALPN,
		InsecureSkipVerify: h.Verify == nil, RequestOCSP: h.RequestOCSP, RequestSCT: h.RequestSCT,
		DisableOCSPVerification: h.Verify != nil && h.Verify.SkipStaple, CertificateAuthorities: h.Authorities,
		Validation: h.Validation, DisableCompatibilityMode: h.NoCompatibility, Now: today,
		Wake: func(*conn.Conn) { k.wakes++ },
		AfterFunc: func(_ time.Duration, f func()) func() bool {
			k.timers = append(k.timers, f)
			return func() bool { return true }
		},
	}
	if k.client {
		if h.Certificates != nil {
			cfg.Certificates = []*conn.Certificate{id.client}
			k.cert = id.client
		}
		cfg.OnHelloRequest = func(*conn.Conn) conn.Renegotiation {
			k.renegos++
			how := conn.Renegotiation(k.answers.byte() % 3)
			k.unusual = k.unusual || how == conn.RenegotiationAccept // which our servers do not do
			return how
		}
	} else {
		cfg.Certificates = id.servers
	}
	if h.KeyLog {
		cfg.KeyLog = io.Discard
		cfg.Trace = func(c *conn.Conn, e conn.TraceEvent) { _ = e.String() }
		cfg.SendBufferSize = 3000
		cfg.RecordSize = 1000
		cfg.OperationTimeout = time.Hour
	}
	k.hook(cfg, h.Asks)
	return cfg
}

// hook sets the hooks for some questions.
func (k *talk) hook(cfg *conn.Config, asks handshake.Questions) {
	has := asks.Has
	if has(handshake.AskConfig) {
		cfg.OnClientHello = func(_ *conn.Conn, hello *conn.ClientHello, op *async.Op[*conn.Config]) {
			if len(hello.CipherSuites()) == 0 || len(hello.Raw()) < 40 {
				k.t.Fatalf("OnClientHello is given %x", hello.Raw())
			}
			k.ask(handshake.AskConfig, hello, op)
		}
	}
	if has(handshake.AskPrivateKey) {
		cfg.OnPrivateKey = func(_ *conn.Conn, op *asyncpkey.Op) error {
			if how := k.answers.byte(); how>>3 == 31 {
				k.willful = true
				k.asked = nil
				return errApplication
			}
			k.ask(handshake.AskPrivateKey, nil, op)
			return nil
		}
	}
	if has(handshake.AskVerifySignature) {
		cfg.OnVerifySignature = func(_ *conn.Conn, check *conn.SignatureCheck, op *async.Op[conn.Verdict]) {
			k.ask(handshake.AskVerifySignature, check, op)
		}
	}
	if has(handshake.AskRevocationLists) {
		cfg.OnRevocationLists = func(_ *conn.Conn, peer *conn.PeerChain, op *async.Op[[]*x509.RevocationList]) {
			k.ask(handshake.AskRevocationLists, peer, op)
		}
	}
	if has(handshake.AskVerdict) {
		cfg.OnVerify = func(_ *conn.Conn, peer *conn.PeerChain, op *async.Op[conn.Verdict]) {
			k.ask(handshake.AskVerdict, peer, op)
		}
	}
	if has(handshake.AskOCSPResponse) {
		cfg.OnOCSPResponse = func(_ *conn.Conn, cert *conn.Certificate, op *async.Op[[]byte]) {
			k.ask(handshake.AskOCSPResponse, cert, op)
		}
	}
	if has(handshake.AskClientCertificate) && k.client {
		cfg.OnClientCertificate = func(_ *conn.Conn, r *conn.CertificateRequest, op *async.Op[*conn.Certificate]) {
			k.ask(handshake.AskClientCertificate, r, op)
		}
	}
}

// ask is every hook: it does one of the things that may be done in one.
func (k *talk) ask(q handshake.Question, detail any, op handshake.Op) {
	k.asked = &question{q, detail, op}
	how := k.answers.byte()
	k.inHook = true
	defer func() { k.inHook = false }()
	if how>>3 != 0 {
		k.refused()
	}
	if how>>3 == 1 {
		if state := k.c.State(); state.HandshakeDone || state.Waiting != "" && state.Waiting != q.String() {
			k.t.Fatalf("inside the hook for %v State says that it waits for %q", q, state.Waiting)
		}
	}
	if how>>3 == 2 {
		k.end()
		k.c.Close()
	}
	before := k.wakes
	k.reply(how)
	if k.wakes != before {
		k.t.Fatal("an answer inside a hook wakes its connection")
	}
}

// reply answers what is asked, in one way or another, and wants to be woken if that is due.
func (k *talk) reply(how byte) {
	switch {
	case k.asked == nil || k.asked.answered():
	case k.closed || k.dead():
		k.asked.checkGone(k.t)
	case k.mute:
	default:
		before := k.wakes
		k.answer(k.asked, how)
		if k.inHook || !k.asked.answered() {
			break
		}
		if k.wakes != before+1 {
			k.t.Fatalf("an answer wakes its connection %d times", k.wakes-before)
		}
	}
}

// dead reports whether Negotiate has returned an error.
func (k *talk) dead() bool { return k.final["Negotiate"] != nil }

// configure chooses a configuration by a ClientHello.
func (k *talk) configure(how byte, op any) {
	var cfg *conn.Config
	switch how {
	case answerOther:
		cfg = k.cfg.Clone()
	case answerBadly:
		cfg = k.cfg.Clone()
		cfg.Certificates, cfg.OnClientHello = nil, nil
	}
	settle(&k.application, op.(*async.Op[*conn.Config]), how, cfg)
}

// end notes that the application ends the connection.
func (k *talk) end() {
	k.closed, k.unusual = true, true
	if k.asked != nil {
		k.past = append(k.past, k.asked)
	}
}

// refused calls what must not be called now.
func (k *talk) refused() {
	_, err := k.c.Negotiate()
	if want := conn.ErrUsage; !errors.Is(err, want) && !(k.closed && errors.Is(err, conn.ErrClosed)) {
		k.t.Fatalf("Negotiate inside a callback: %v", err)
	}
	if err := k.c.Reset(k.io.read, k.io.write, nil); !errors.Is(err, conn.ErrUsage) {
		k.t.Fatalf("Reset inside a callback: %v", err)
	}
	if _, err := k.c.Shutdown(); err == nil {
		k.t.Fatal("Shutdown inside a callback does something")
	}
}

// finish ends the talk, and looks at what is left.
func (k *talk) finish() {
	k.io.faults.rest, k.answers.rest = nil, nil
	if !k.dishonest && !k.unusual && !k.willful && !k.io.failed && !k.io.lied {
		k.complete()
	}
	asked := k.asked
	k.end()
	k.c.Close()
	k.c.Close()
	if asked != nil {
		asked.checkGone(k.t)
	}
	if _, err := k.c.Negotiate(); !errors.Is(err, conn.ErrClosed) {
		k.t.Fatalf("Negotiate after Close: %v", err)
	}
	_ = k.c.State()
	k.peer.close()
}
