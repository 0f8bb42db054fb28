package handshake

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
	"github.com/s2ngo/s2ngo/record"
	"github.com/s2ngo/s2ngo/testvectors"
)

// replay is one side of a trace of RFC 8448, played by a Machine over a record layer.
type replay struct {
	*testing.T
	trace    testvectors.Trace
	who      string // "client" or "server"
	m        *side
	messages [][]byte // the side's own in the document, those not yet written
	out      []byte   // handshake messages that wait for the end of their flight
	wr       record.Writer
	rd       record.Reader
	keys     int              // compared
	resumed  *session.Session // of Section 3, in Section 4
}

// TestRFC8448 plays both sides of Sections 3 to 7. The document supplies what a Machine
// draws: randoms and private keys; what others answer: the signatures; and the messages
// that no implementation of today would write alike: both hellos, but for the binder of a PSK, and
// EncryptedExtensions.
// What the Machine makes of it are all other messages, all secrets and, with the record layer,
// each byte on the wire.
func TestRFC8448(t *testing.T) {
	for _, section := range []int{3, 4, 5, 6, 7} {
		for _, who := range []string{"client", "server"} {
			t.Run(fmt.Sprintf("Section %d as %s", section, who), func(t *testing.T) {
				trace, err := testvectors.RFC8448(section)
				if err != nil {
					t.Fatal(err)
				}
				r := &replay{T: t, trace: trace, who: who}
				if section == 4 {
					r.resumed = resumedSession(t)
				}
				for _, m := range trace.Messages() {
					if m.From == who {
						r.messages = append(r.messages, m.Data)
					}
				}
				r.begin()
				defer r.m.close()
				for _, rec := range trace.Records() {
					if rec.From == who {
						r.send(rec)
					} else {
						r.receive(rec)
					}
				}
				r.end()
			})
		}
	}
}

// in2018 is the clock of the document.
func in2018() time.Time { return time.Date(2018, 8, 1, 0, 0, 0, 0, time.UTC) }

// begin makes the Machine of the document's side.
func (r *replay) begin() {
	hello := r.clientHello()
	cfg := &Config{
		MinVersion: iana.TLS13, MaxVersion: iana.TLS13,
		Suites:         hello.CipherSuites.Slice(),
		GroupOrder:     hello.SupportedGroups.Slice(),
		OfferedSchemes: hello.SignatureAlgorithms.Slice(),
		Schemes:        []iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.ECDSASecp256r1SHA256},
		Asks:           Questions(0).With(AskPrivateKey),
		Validation:     asyncpkey.Strict, // the document's signatures are over our transcript
		KeyLog:         true,
		Now:            in2018,
	}
	cfg.SessionTickets, cfg.MaxEarlyData = true, 1024
	peer := "client"
	cfg.NoCompatibility = len(hello.SessionID) == 0
	random := r.randoms(r.who)
	if r.who == "client" {
		peer = "server"
		for group := range hello.KeyShares.All() {
			cfg.KeyShares = append(cfg.KeyShares, group)
		}
		random = append(random, hello.SessionID...)
		cfg.Session = r.resumed
		r.wr.SetVersion(iana.TLS10)
	} else {
		cfg.Asks |= set(AskTicket, AskSealTicket)
		cfg.Groups = policy.LocalGroups{Curves: []iana.Group{r.serverHello().KeyShareGroup}}
		if chain := r.chain("client"); chain != nil {
			cfg.ClientAuth = RequireClientAuth
		}
	}
	for _, key := range r.trace.Values(r.who, "create an ephemeral", "private key") {
		random = append(random, key...)
	}
	cfg.Rand = bytes.NewReader(random)
	if own := r.chain(r.who); own != nil {
		cert, err := certs.New(own, nil)
		if err != nil {
			r.Fatal(err)
		}
		if cfg.Certificates, err = certs.NewStore([]*certs.Certificate{cert}, certs.StoreOptions{}); err != nil {
			r.Fatal(err)
		}
	}
	if theirs := r.chain(peer); theirs != nil {
		root, err := x509.ParseCertificate(theirs[0])
		if err != nil {
			r.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(root)
		cfg.Verify = &verify.Settings{Roots: roots, Now: in2018, VerifyHost: func(string) bool { return true }}
	}
	r.m = newSide(r.who == "client", cfg)
	r.m.serverName = string(hello.ServerName)
	r.m.WantEarlyData = true
	r.m.substitute = r.substitute
	r.rd.SetCCS(record.CCSDrop)
}

// randoms are the random of a side's hello; that of the server is not the one of a
// HelloRetryRequest.
func (r *replay) randoms(who string) []byte {
	if who == "client" {
		return bytes.Clone(r.clientHello().Random)
	}
	return bytes.Clone(r.serverHello().Random)
}

// clientHello is the first one.
func (r *replay) clientHello() *wire.ClientHello {
	hello := new(wire.ClientHello)
	if err := hello.Parse(r.trace.Messages()[0].Data[4:]); err != nil {
		r.Fatal(err)
	}
	return hello
}

// serverHello is the one that is no HelloRetryRequest.
func (r *replay) serverHello() *wire.ServerHello {
	return parseServerHello(r, r.documented("server", iana.ServerHello))
}

func parseServerHello(t testing.TB, msg []byte) *wire.ServerHello {
	t.Helper()
	hello := new(wire.ServerHello)
	if err := hello.Parse(msg[4:], ^wire.Set(0)); err != nil {
		t.Fatal(err)
	}
	return hello
}

// documented returns the last message of a type, nil if there is none.
func (r *replay) documented(who string, t iana.Message) (msg []byte) {
	for _, m := range r.trace.Messages() {
		if m.From == who && iana.Message(m.Data[0]) == t {
			msg = m.Data
		}
	}
	return msg
}

// chain returns the certificates of a side, nil if it has none.
func (r *replay) chain(who string) (chain [][]byte) {
	msg := r.documented(who, iana.Certificate)
	if msg == nil {
		return nil
	}
	var c wire.Certificate
	if err := c.Parse(msg[4:], 0, 8); err != nil {
		r.Fatal(err)
	}
	for e := range c.All() {
		chain = append(chain, e.DER)
	}
	return chain
}

// substitute compares what the Machine writes with the document and replaces the messages that
// differ in what does not matter here: the extensions of the hellos and of EncryptedExtensions.
func (r *replay) substitute(msg []byte) []byte {
	if len(r.messages) == 0 {
		r.Fatalf("the Machine writes a %v that the document does not have", iana.Message(msg[0]))
	}
	want := r.messages[0]
	r.messages = r.messages[1:]
	if msg[0] != want[0] {
		r.Fatalf("the Machine writes a %v where the document has a %v", iana.Message(msg[0]), iana.Message(want[0]))
	}
	switch iana.Message(msg[0]) {
	case iana.ClientHello:
		var a, b wire.ClientHello
		if err := errors.Join(a.Parse(msg[4:]), b.Parse(want[4:])); err != nil {
			r.Fatal(err)
		}
		if !bytes.Equal(a.Random, b.Random) || !bytes.Equal(a.SessionID, b.SessionID) || !bytes.Equal(a.KeyShares, b.KeyShares) ||
			!bytes.Equal(a.CipherSuites, b.CipherSuites) || !bytes.Equal(a.Cookie, b.Cookie) || !bytes.Equal(a.ServerName, b.ServerName) ||
			!bytes.Equal(a.SupportedGroups, b.SupportedGroups) || !bytes.Equal(a.SignatureAlgorithms, b.SignatureAlgorithms) {
			r.Errorf("client_hello\n%x\ndiffers from the document's in more than extensions\n%x", msg, want)
		}
		if r.resumed != nil {
			if !bytes.Equal(a.PreSharedKey.Identities, b.PreSharedKey.Identities) || !a.EarlyData || !bytes.Equal(a.PSKKeyExchangeModes, b.PSKKeyExchangeModes) {
				r.Errorf("pre_shared_key names\n%x\nwant\n%x", a.PreSharedKey.Identities, b.PreSharedKey.Identities)
			}
			want = bytes.Clone(want)
			clear(want[len(want)-32:]) // the binder is the Machine's
		}
	case iana.ServerHello:
		a, b := parseServerHello(r, msg), parseServerHello(r, want)
		if !bytes.Equal(a.Random, b.Random) || !bytes.Equal(a.SessionID, b.SessionID) || a.CipherSuite != b.CipherSuite ||
			a.SupportedVersion != b.SupportedVersion || a.KeyShareGroup != b.KeyShareGroup || !bytes.Equal(a.KeyShare, b.KeyShare) ||
			a.SelectedIdentity != b.SelectedIdentity || a.Has.Has(iana.PreSharedKey) != b.Has.Has(iana.PreSharedKey) {
			r.Errorf("server_hello\n%x\ndiffers from the document's in more than the cookie\n%x", msg, want)
		}
	case iana.EncryptedExtensions:
	default:
		if !bytes.Equal(msg, want) {
			r.Errorf("%v is\n%x\nwant\n%x", iana.Message(msg[0]), msg, want)
		}
	}
	return want
}

// advance moves the Machine until it waits for its peer.
func (r *replay) advance() {
	for {
		r.m.question = nil
		events, err := r.m.advance()
		for i := range events {
			r.do(&events[i])
		}
		if err != nil {
			r.Fatal(err)
		}
		r.offer()
		if r.m.question == nil {
			r.flush()
			return
		}
		switch op := r.m.question.Op.(type) {
		case *asyncpkey.Op:
			r.sign(op)
		case *async.Op[[]byte]: // what is in the ticket
			r.equal("ticket", r.m.question.Detail.([]byte), r.resumed.Ticket)
			if err := op.Answer(r.resumed.Append(nil)); err != nil {
				r.Fatal(err)
			}
		}
	}
}

// offer makes the ClientHello that was sent the one that answers are judged by.
func (r *replay) offer() {
	s, ok := r.m.state.(*expectServerHello)
	if !ok {
		return
	}
	var hello wire.ClientHello
	for _, p := range r.m.out {
		if err := hello.Parse(p.data[4:]); err != nil {
			r.Fatal(err)
		}
	}
	s.hello.offered = hello.Has
}

// sign answers with the document's signature, which Strict compares with the certificate.
func (r *replay) sign(op *asyncpkey.Op) {
	var v wire.CertificateVerify
	if err := v.Parse(r.documented(r.who, iana.CertificateVerify)[4:]); err != nil {
		r.Fatal(err)
	}
	if op.Scheme() != v.Scheme {
		r.Fatalf("the Machine wants to sign by %v, the document has %v", op.Scheme(), v.Scheme)
	}
	if err := op.SetOutput(v.Signature); err != nil {
		r.Fatal(err)
	}
	if err := asyncpkey.Apply(op, true); err != nil {
		r.Fatal(err)
	}
}

// do does one event. Unlike conn it keeps Writes together up to the end of the flight, since the
// document has each flight in one record.
func (r *replay) do(e *Event) {
	switch e.Kind {
	case Write:
		r.out = append(r.out, e.Data...)
	case WriteChangeCipherSpec:
		r.flush()
		r.seal(iana.RecordChangeCipherSpec, []byte{1})
	case SetWriteKey:
		r.flush()
		r.wr.SetSealer(r.protection(e, r.who))
	case SetReadKey:
		peer := map[string]string{"client": "server", "server": "client"}[r.who]
		r.rd.SetOpener(r.protection(e, peer))
	case KeyLog:
		label := map[string]string{
			"CLIENT_HANDSHAKE_TRAFFIC_SECRET": "tls13 c hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET": "tls13 s hs traffic",
			"CLIENT_TRAFFIC_SECRET_0": "tls13 c ap traffic", "SERVER_TRAFFIC_SECRET_0": "tls13 s ap traffic",
			"EXPORTER_SECRET": "tls13 exp master", "CLIENT_EARLY_TRAFFIC_SECRET": "tls13 c e traffic", "EARLY_EXPORTER_SECRET": "tls13 e exp master",
		}[e.Label]
		r.equal(e.Label, e.Secret.Bytes(), r.secret(label))
		r.equal("random of "+e.Label, e.Data, r.randoms("client"))
	case Ticket:
		r.equal("PSK of the ticket", e.Detail.(*session.Session).Secret, resumedSession(r).Secret)
	}
}

// secret is the value of a secret that both sides derive.
func (r *replay) secret(label string) []byte {
	for _, who := range []string{"server", "client"} {
		if found := r.trace.Values(who, `derive secret "`+label+`"`, "expanded"); len(found) > 0 {
			return found[0]
		}
	}
	r.Fatalf("the document has no %s", label)
	return nil
}

func (r *replay) equal(what string, got, want []byte) {
	r.Helper()
	if !bytes.Equal(got, want) || len(want) == 0 {
		r.Errorf("%s is\n%x\nwant\n%x", what, got, want)
	}
}

// protection compares the secret, the key and the IV of what writer sends in the event's epoch
// with the document and returns the protection by them.
func (r *replay) protection(e *Event, writer string) *record.AEAD13 {
	stage := map[Epoch]string{Early: "early application data", Handshake: "handshake data", Application: "application data"}[e.Epoch]
	steps := slices.Concat(
		r.trace.Find(writer, "derive write traffic keys for "+stage),
		r.trace.Find("", "derive read traffic keys for "+stage))
	found := slices.IndexFunc(steps, func(s testvectors.Step) bool {
		return s.Values != nil && (s.Who == writer) == (s.What[:12] == "derive write")
	})
	if found < 0 {
		r.Fatalf("the document has no keys for the %s of the %s", stage, writer)
	}
	step := &steps[found]
	s := suite.Lookup(e.Suite)
	key, iv := make([]byte, s.KeyLen), make([]byte, suite.NonceLen)
	e.Secret.Key(key)
	e.Secret.IV(iv)
	what := fmt.Sprintf(" of the %s's %s", writer, stage)
	r.equal("secret"+what, e.Secret.Bytes(), step.Value("PRK"))
	r.equal("key"+what, key, step.Value("key expanded"))
	r.equal("IV"+what, iv, step.Value("iv expanded"))
	r.keys++
	aead, err := s.NewAEAD(key)
	if err != nil {
		r.Fatal(err)
	}
	return record.NewAEAD13(aead, iv, s.RecordLimit)
}

// flush ends the record of the handshake messages that have been written.
func (r *replay) flush() {
	if len(r.out) > 0 {
		r.seal(iana.RecordHandshake, r.out)
		r.out = nil
		r.wr.SetVersion(iana.TLS12)
	}
}

func (r *replay) seal(t iana.RecordType, payload []byte) {
	if _, err := r.wr.Seal(t, payload); err != nil {
		r.Fatal(err)
	}
}

// send compares a record of the document with the next one that our side writes. What a Machine
// does not send by itself, or not yet, is sealed here: tickets, data, alerts.
func (r *replay) send(want testvectors.Record) {
	if !r.m.Done() {
		r.advance()
	}
	switch {
	case want.Type == "application_data":
		r.seal(iana.RecordApplicationData, want.Payload)
	case want.Type == "alert":
		r.seal(iana.RecordAlert, want.Payload)
	case want.Type == "handshake" && iana.Message(want.Payload[0]) == iana.NewSessionTicket:
		r.seal(iana.RecordHandshake, want.Payload)
		r.messages = r.messages[1:]
	}
	got := make([]byte, 0, len(want.Wire))
	for len(got) < len(want.Wire) {
		err := r.wr.Flush(func(p []byte) (int, error) {
			n := min(len(p), len(want.Wire)-len(got))
			got = append(got, p[:n]...)
			if n < len(p) {
				return n, record.ErrWouldBlock
			}
			return n, nil
		})
		if err == nil || err == record.ErrWouldBlock {
			break
		}
		r.Fatal(err)
	}
	r.equal("record of type "+want.Type, got, want.Wire)
}

// receive opens a record of the document's other side, and feeds the Machine what is for it.
func (r *replay) receive(from testvectors.Record) {
	if _, err := r.rd.Fill(func(p []byte) (int, error) { return copy(p, from.Wire), nil }); err != nil {
		r.Fatal(err)
	}
	rec, err := r.rd.Next()
	if from.Type == "change_cipher_spec" && err == record.ErrNeedMore {
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	r.equal("content of the peer's record", rec.Payload, from.Payload)
	if want := map[string]iana.RecordType{
		"handshake": iana.RecordHandshake, "application_data": iana.RecordApplicationData, "alert": iana.RecordAlert,
	}[from.Type]; rec.Type != want {
		r.Errorf("the peer's record is of type %v, want %v", rec.Type, want)
	}
	if rec.Type != iana.RecordHandshake {
		return
	}
	if err := r.m.Feed(r.m.ReadEpoch(), rec.Payload); err != nil {
		r.Fatal(err)
	}
	r.advance()
}

// end holds that nothing is left, and what the Machine has settled.
func (r *replay) end() {
	keys, early := 4, EarlyDataNotRequested
	if r.resumed != nil {
		keys, early = 5, EarlyDataEnd
	}
	if !r.m.Done() || len(r.messages) > 0 || r.keys != keys || r.wr.Pending() > 0 || r.rd.Buffered() > 0 {
		r.Errorf("at the end: done is %v, %d messages unwritten, %d keys compared, %d bytes unsent, %d unread",
			r.m.Done(), len(r.messages), r.keys, r.wr.Pending(), r.rd.Buffered())
	}
	if n, err := r.m.cfg.Rand.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		r.Error("the Machine has not drawn all that the document's did")
	}
	res := &r.m.Result
	if (r.resumed != nil) != res.Resumed || res.EarlyData != early {
		r.Errorf("resumed is %v, early data is %v", res.Resumed, res.EarlyData)
	}
	if resumption := r.trace.Values("client", `derive secret "tls13 res master"`, "expanded"); len(resumption) > 0 {
		if r.who == "client" {
			r.equal("resumption secret", r.m.state.(*connected13).tickets.secret.Bytes(), resumption[0])
		} else {
			r.equal("resumption secret", r.m.Issuer().secret.Bytes(), resumption[0])
		}
	}
	r.equal("exporter secret", res.Exporter.Secret().Bytes(), r.trace.Values("server", `derive secret "tls13 exp master"`, "expanded")[0])
	if res.Version != iana.TLS13 || res.CipherSuite != iana.TLS_AES_128_GCM_SHA256 || res.Group != r.serverHello().KeyShareGroup {
		r.Errorf("result is %v, %v, %v", res.Version, res.CipherSuite, res.Group)
	}
	if clientAuth := r.chain("client") != nil; res.ClientAuth != clientAuth {
		r.Errorf("client authentication is %v, want %v", res.ClientAuth, clientAuth)
	}
	if res.Retried != (len(r.trace.Find("server", "construct a ServerHello")) == 2) {
		r.Errorf("retried is %v", res.Retried)
	}
}
