package conn

import (
	"bytes"
	"crypto/x509"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/internal/certs"
)

// Certificate is a certificate chain with its private key, or without where a hook or
// a token signs. See NewCertificate, ParseCertificate, LoadCertificate.
type Certificate = certs.Certificate

// Verdict is an application's judgement: the zero value accepts, Reject refuses.
type Verdict = handshake.Verdict

// Accept is the Verdict that lets the handshake go on.
var Accept Verdict

// Reject returns a Verdict that ends the handshake. The peer is told reason's alert, if
// it has a method Alert() iana.Alert, else access_denied for a certificate and
// decrypt_error for a signature. reason stands in the chain of Negotiate's error.
func Reject(reason error) Verdict { return handshake.Reject(reason) }

// PeerChain is what is known of the peer's certificates when a hook is asked about
// them. It is shared: read only.
type PeerChain = handshake.PeerChain

// CertificateRequest is what a server said of the client certificate it wants.
type CertificateRequest = handshake.CertificateRequest

// SignatureCheck is a signature of the peer that waits to be verified.
type SignatureCheck = handshake.SignatureCheck

// Hooks are the questions that a handshake asks its application. All have one shape:
// the connection, the question, and an operation that takes the answer, at once or later,
// on any goroutine. Until it is answered, Negotiate returns BlockedOnApplicationInput.
// Hooks run on the goroutine that calls Negotiate; inside one, State, Apply, Close and
// the operation may be used, other methods return ErrUsage. A hook that is nil is not
// asked and costs nothing.
type Hooks struct {
	// OnClientHello chooses a Config for the connection by the ClientHello, once, before
	// anything is negotiated (s2n_client_hello_cb). Answer nil to keep the one there is. The
	// ClientHello is lent until the operation is answered. An op.Fail turns the client away:
	// with the alert that the error's method Alert() iana.Alert names, else with
	// internal_error. Servers only.
	OnClientHello func(c *Conn, hello *ClientHello, op *async.Op[*Config])

	// OnPrivateKey does the private key's work (s2n_async_pkey_fn); it is called for every
	// operation, also for a Certificate with a key in it. An error ends the handshake with
	// it.
	OnPrivateKey func(c *Conn, op *asyncpkey.Op) error

	// OnVerifySignature verifies the peer's signature elsewhere than on this goroutine
	// (s2n_async_offload_callback): the answer is Accept, or Reject with the error of
	// check.Verify.
	OnVerifySignature func(c *Conn, check *SignatureCheck, op *async.Op[Verdict])

	// OnRevocationLists brings the CRLs that bear on the peer's chain (s2n_crl_lookup_cb).
	// A certificate that one of them revokes ends the handshake.
	OnRevocationLists func(c *Conn, peer *PeerChain, op *async.Op[[]*x509.RevocationList])

	// OnVerify judges the peer's chain after the built-in verification has accepted it
	// (s2n_cert_validation_cb), or alone if Config.InsecureSkipVerify is set.
	OnVerify func(c *Conn, peer *PeerChain, op *async.Op[Verdict])

	// OnOCSPResponse brings the response to staple to cert, in DER, for a peer that asked: a
	// client, or in TLS 1.3 a server that wants a client's certificate. Nil staples none.
	OnOCSPResponse func(c *Conn, cert *Certificate, op *async.Op[[]byte])

	// OnClientCertificate chooses the certificate to answer a server's request with; nil
	// sends none (s2n_cert_request_callback). Clients only.
	OnClientCertificate func(c *Conn, request *CertificateRequest, op *async.Op[*Certificate])

	// OnSessionTicket is told of each session that a server gives a client to resume
	// (s2n_config_set_session_ticket_cb), inside Negotiate in TLS 1.2 and inside Recv in TLS 1.3.
	// t is valid until it returns. An error ends the connection with it.
	OnSessionTicket func(c *Conn, t *SessionTicket) error

	// OnSealTicket and OnOpenTicket replace TicketKeys by the application's own protection of
	// a server's tickets. OnSealTicket answers with a ticket of 33 to 65535 bytes for state, which is
	// secret and has to be encrypted and authenticated, or with nil for none. OnOpenTicket answers with
	// that state, or with nil for a ticket of nobody it knows; TicketKeys, where there are any, are asked then. The bytes
	// are the hook's.
	OnSealTicket func(c *Conn, state []byte, op *async.Op[[]byte])
	OnOpenTicket func(c *Conn, ticket []byte, op *async.Op[[]byte])

	// OnPSK chooses a server's external PSK by what the client offers
	// (s2n_psk_selection_callback), in place of Config.PSKs; it may bring one that is none of them. An answer
	// of nil, and a failure, mean none: tickets are looked at then. offered is lent until the operation is
	// answered.
	OnPSK func(c *Conn, offered *OfferedPSKs, op *async.Op[*PSK])

	// OnEarlyData says whether a server takes early data that it could accept
	// (s2n_early_data_cb). offered is lent until the operation is answered.
	OnEarlyData func(c *Conn, offered *OfferedEarlyData, op *async.Op[bool])

	// OnHelloRequest says what becomes of a server's wish to renegotiate in TLS 1.2
	// (s2n_config_set_renegotiate_request_cb); it answers at once. Without it the wish is
	// ignored. After RenegotiationAccept call Conn.Renegotiate. See also Config.ForbidRenegotiation.
	OnHelloRequest func(c *Conn) Renegotiation
}

func (h *Hooks) asks() (q handshake.Questions) {
	for _, x := range []struct {
		set bool
		q   handshake.Question
	}{
		{h.OnClientHello != nil, handshake.AskConfig},
		{h.OnPrivateKey != nil, handshake.AskPrivateKey},
		{h.OnVerifySignature != nil, handshake.AskVerifySignature},
		{h.OnRevocationLists != nil, handshake.AskRevocationLists},
		{h.OnVerify != nil, handshake.AskVerdict},
		{h.OnOCSPResponse != nil, handshake.AskOCSPResponse},
		{h.OnClientCertificate != nil, handshake.AskClientCertificate},
		{h.OnSealTicket != nil, handshake.AskSealTicket},
		{h.OnOpenTicket != nil, handshake.AskTicket},
		{h.OnPSK != nil, handshake.AskPSK},
		{h.OnEarlyData != nil, handshake.AskEarlyData},
	} {
		if x.set {
			q = q.With(x.q)
		}
	}
	return q
}

// dispatch calls the hook for an Ask.
func (c *Conn) dispatch(e *handshake.Event) error {
	h := &c.cfg.Hooks
	op := e.Op
	var choice *configChoice
	if e.Question == handshake.AskConfig {
		choice = &configChoice{user: new(async.Op[*Config]), machine: e.Op.(*async.Op[*handshake.Config])}
		c.choice, op = choice, choice.user
	}
	pending := op.Pending()
	pending.Enter(nil, c.cfg.AfterFunc)
	if d := c.cfg.OperationTimeout; d > 0 {
		pending.SetTimeout(d)
	}
	c.setPending(pending)
	c.trace(TraceEvent{Kind: TraceAsk, Text: e.Question.String()})

	var err error
	switch e.Question {
	case handshake.AskConfig:
		hello := e.Detail.(*handshake.ReceivedHello)
		h.OnClientHello(c, &ClientHello{hello: &hello.Hello, raw: hello.Message}, choice.user)
	case handshake.AskPrivateKey:
		key := op.(*asyncpkey.Op)
		c.keyOp.Store(key)
		if err = h.OnPrivateKey(c, key); err != nil && key.Kind() == asyncpkey.Decrypt {
			_ = key.Fail(err) // goes on to a Finished that fails: see Op.Fail
			err = nil
		}
	case handshake.AskVerifySignature:
		h.OnVerifySignature(c, e.Detail.(*SignatureCheck), op.(*async.Op[Verdict]))
	case handshake.AskRevocationLists:
		h.OnRevocationLists(c, e.Detail.(*PeerChain), op.(*async.Op[[]*x509.RevocationList]))
	case handshake.AskVerdict:
		h.OnVerify(c, e.Detail.(*PeerChain), op.(*async.Op[Verdict]))
	case handshake.AskOCSPResponse:
		h.OnOCSPResponse(c, e.Detail.(*Certificate), op.(*async.Op[[]byte]))
	case handshake.AskClientCertificate:
		h.OnClientCertificate(c, e.Detail.(*CertificateRequest), op.(*async.Op[*Certificate]))
	case handshake.AskSealTicket:
		h.OnSealTicket(c, bytes.Clone(e.Detail.([]byte)), op.(*async.Op[[]byte]))
	case handshake.AskTicket:
		h.OnOpenTicket(c, bytes.Clone(e.Detail.([]byte)), op.(*async.Op[[]byte]))
	case handshake.AskPSK:
		h.OnPSK(c, e.Detail.(*OfferedPSKs), op.(*async.Op[*PSK]))
	case handshake.AskEarlyData:
		h.OnEarlyData(c, e.Detail.(*OfferedEarlyData), op.(*async.Op[bool]))
	case handshake.AskSession, handshake.AskStoreSession, handshake.AskTakeSession, handshake.AskReplay:
		c.askStore(e)
	}
	if wake := c.cfg.Wake; wake != nil && !pending.Answered() { // an answer at once needs none
		pending.Enter(func() { wake(c) }, c.cfg.AfterFunc)
	}
	pending.Leave()
	return err
}

// configChoice ties the application's operation, which is answered with a Config, to the
// Machine's.
type configChoice struct {
	user    *async.Op[*Config]
	machine *async.Op[*handshake.Config]
}

// resolveChoice hands an answered choice on to the Machine.
func (c *Conn) resolveChoice() {
	if c.choice == nil {
		return
	}
	cfg, err, ok := c.choice.user.Result()
	if !ok {
		return
	}
	machine := c.choice.machine
	c.machine.NameUsed = c.is(factNameUsed)
	c.choice = nil
	if err == nil && cfg != nil {
		err = c.adopt(cfg)
	}
	switch {
	case err != nil:
		machine.Fail(err)
	case cfg != nil:
		machine.Answer(c.hs)
	default:
		machine.Answer(nil)
	}
}

// Apply gives a performed private-key operation back to the connection that asked for
// it (s2n_async_pkey_op_apply). It may be called on any goroutine and inside the hook.
// After the hook has returned, it calls Config.Wake; the next Negotiate goes on with the
// answer.
//
// Errors, all of kind ErrUsage, in the order of the checks: asyncpkey.ErrNotPerformed,
// asyncpkey.ErrAlreadyApplied, asyncpkey.ErrWrongConnection, async.ErrClosed. A Strict
// operation whose signature does not verify returns asyncpkey.ErrVerifySignature, of kind
// ErrProtocol, and ends the handshake.
func (c *Conn) Apply(op *asyncpkey.Op) error {
	if op == nil {
		return usage("Apply without an operation")
	}
	err := asyncpkey.Apply(op, c.keyOp.Load() == op)
	switch {
	case err == nil:
		return nil
	case err == asyncpkey.ErrVerifySignature:
		return &Error{ErrProtocol, err}
	}
	return &Error{ErrUsage, err}
}
