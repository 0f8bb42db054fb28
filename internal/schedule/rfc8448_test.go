package schedule

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"fmt"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/transcript"
	"github.com/s2ngo/s2ngo/testvectors"
)

// side is what one side of a trace has derived so far.
type side struct {
	key    *ecdh.PrivateKey
	psk    Secret
	early  Early
	hs     Handshake
	main   Main
	verify []byte            // of its Finished
	secret map[string]Secret // by label, and "tls13 resumption" for the ticket's PSK
}

// walk follows one trace of RFC 8448.
type walk struct {
	*testing.T
	trace      testvectors.Trace
	sides      map[string]*side
	transcript transcript.Transcript
	finished   map[string][]byte // transcript hash below each side's Finished
	step       *testvectors.Step // with the values of the other side where it is the same as that
	own        bool              // step has values of its own, and the transcript is where they are
	compared   map[string]bool   // values of step
}

// TestRFC8448 walks Sections 3 to 7, both sides, and compares each value of the key schedule: no step may be
// one that this test does not know.
func TestRFC8448(t *testing.T) {
	var ticket Secret
	for section := 3; section <= 7; section++ {
		t.Run(fmt.Sprint(section), func(t *testing.T) {
			trace, err := testvectors.RFC8448(section)
			if err != nil {
				t.Fatal(err)
			}
			w := &walk{T: t, trace: trace, finished: map[string][]byte{}, sides: map[string]*side{
				"client": {secret: map[string]Secret{}},
				"server": {secret: map[string]Secret{}},
			}}
			if section == 4 {
				w.sides["client"].psk, w.sides["server"].psk = ticket, ticket
			}
			for i := range trace {
				w.do(trace[i])
			}
			if section == 3 {
				ticket = w.sides["client"].secret["tls13 resumption"]
				if ticket != w.sides["server"].secret["tls13 resumption"] {
					t.Fatal("the sides have different ticket PSKs")
				}
			}
		})
	}
}

// inputs are the values that are not compared: what a step starts from, the HkdfLabels, which the tests of
// package kdf expand, and records.
var inputs = map[string]bool{
	"private key": true, "ClientHello prefix": true, "payload": true, "complete record": true,
	"info": true, "key info": true, "iv info": true,
}

func (w *walk) do(s testvectors.Step) {
	w.step, w.own, w.compared = &s, s.SameAs == "", map[string]bool{}
	defer func() {
		for _, v := range s.Values {
			message := strings.HasPrefix(s.What, "construct a") && v.Name != "Finished"
			repeated := strings.HasSuffix(v.Name, "hash") && !w.own
			if !w.compared[v.Name] && !inputs[v.Name] && !message && !repeated {
				w.Errorf("{%s} %s: %s is not compared", s.Who, s.What, v.Name)
			}
		}
	}()
	if !w.own {
		s.Values = w.other(s)
	}
	me := w.sides[s.Who]
	what := strings.TrimSuffix(s.What, ` "`+s.Label+`"`)
	switch {
	case strings.HasPrefix(what, "create an ephemeral "):
		w.createKey(me)
	case strings.HasPrefix(what, "construct a"):
		w.construct()
	case what == "send handshake record" && s.Value("payload")[0] == 1:
		w.transcript.Add(s.Value("payload"))
	case strings.HasPrefix(what, "send "):
	case what == "extract secret":
		w.extract(me)
	case strings.HasPrefix(what, "derive secret for "):
		stage := map[string]*Secret{"derive secret for handshake": &me.early.secret, "derive secret for master": &me.hs.secret}[what]
		w.is("PRK", stage.Bytes())
		w.is("hash", fixed256.empty[:32])
		derived := stage.deriveEmpty("derived")
		w.is("expanded", derived.Bytes())
	case what == "derive secret":
		w.derive(me)
	case what == "generate resumption secret":
		master := me.secret["tls13 res master"]
		w.is("PRK", master.Bytes())
		nonce := []byte{0, 0}
		w.is("hash", nonce)
		psk := master.TicketPSK(nonce)
		w.is("expanded", psk.Bytes())
		me.secret[s.Label] = psk
	case strings.HasPrefix(what, "derive write traffic keys for "), strings.HasPrefix(what, "derive read traffic keys for "):
		w.trafficKeys(me)
	case what == "calculate finished":
		w.finish(me)
	case what == "calculate PSK binder":
		w.binder(me)
	default:
		w.Fatalf("unknown step %q", s.What)
	}
}

// other returns the values of the step of the other side that s is the same as.
func (w *walk) other(s testvectors.Step) []testvectors.Value {
	for _, o := range w.trace {
		mirrored := strings.NewReplacer("write", "read", "read", "write").Replace(o.What)
		if o.Who != s.Who && o.SameAs == "" && mirrored == s.What {
			return o.Values
		}
	}
	w.Fatalf("%s: nothing that it is the same as", s.What)
	return nil
}

// is compares a value of the document with ours.
func (w *walk) is(name string, got []byte) {
	w.Helper()
	want := w.step.Value(name)
	if !bytes.Equal(got, want) || want == nil {
		w.Errorf("{%s} %s: %s = %x, want %x", w.step.Who, w.step.What, name, got, want)
	}
	w.compared[name] = true
}

func (w *walk) createKey(me *side) {
	curve := ecdh.X25519()
	if strings.Contains(w.step.What, "P-256") {
		curve = ecdh.P256()
	}
	key, err := curve.NewPrivateKey(w.step.Value("private key"))
	if err != nil {
		w.Fatal(err)
	}
	me.key = key
	w.is("public key", key.PublicKey().Bytes())
}

// construct adds what the document constructs to the transcript, but for a ClientHello, which is added
// when it is sent, with its binders.
func (w *walk) construct() {
	v := w.step.Values[0]
	switch v.Name {
	case "ClientHello", "NewSessionTicket":
		return
	case "ServerHello":
		if w.transcript.Hash() == 0 {
			w.start()
			if len(w.trace.Values("server", "construct a ServerHello", "ServerHello")) == 2 {
				w.transcript.HelloRetry()
			}
		}
	case "Finished":
		w.is("Finished", append([]byte{20, 0, 0, 32}, w.sides[w.step.Who].verify...))
	}
	w.transcript.Add(v.Data)
}

func (w *walk) start() {
	if err := w.transcript.Start(crypto.SHA256); err != nil {
		w.Fatal(err)
	}
}

func (w *walk) extract(me *side) {
	switch w.step.Label {
	case "early":
		w.is("salt", []byte{})
		if me.psk.hash == 0 {
			w.is("IKM", zeros[:32])
			me.early = New(crypto.SHA256, nil)
		} else {
			w.is("IKM", me.psk.Bytes())
			me.early = New(crypto.SHA256, me.psk.Bytes())
		}
		w.is("secret", me.early.secret.Bytes())
	case "handshake":
		shared, err := w.sides["client"].key.ECDH(w.sides["server"].key.PublicKey())
		if err != nil {
			w.Fatal(err)
		}
		w.is("IKM", shared)
		salt := me.early.secret.deriveEmpty("derived")
		w.is("salt", salt.Bytes())
		me.hs = me.early.Handshake(shared)
		w.is("secret", me.hs.secret.Bytes())
	case "master":
		salt := me.hs.secret.deriveEmpty("derived")
		w.is("salt", salt.Bytes())
		w.is("IKM", zeros[:32])
		me.main = me.hs.Main()
		w.is("secret", me.main.secret.Bytes())
	default:
		w.Fatalf("unknown stage %q", w.step.Label)
	}
}

func (w *walk) derive(me *side) {
	th := w.step.Value("hash")
	if w.own {
		w.is("hash", w.transcript.Sum())
	}
	var stage, got Secret
	switch label := w.step.Label; label {
	case "tls13 c e traffic":
		stage, got = me.early.secret, me.early.ClientTraffic(th)
	case "tls13 e exp master":
		stage, got = me.early.secret, me.early.Exporter(th)
	case "tls13 c hs traffic":
		stage = me.hs.secret
		got, _ = me.hs.Traffic(th)
	case "tls13 s hs traffic":
		stage = me.hs.secret
		_, got = me.hs.Traffic(th)
	case "tls13 c ap traffic":
		stage = me.main.secret
		got, _ = me.main.Traffic(th)
	case "tls13 s ap traffic":
		stage = me.main.secret
		_, got = me.main.Traffic(th)
	case "tls13 exp master":
		stage, got = me.main.secret, me.main.Exporter(th)
	case "tls13 res master":
		stage, got = me.main.secret, me.main.Resumption(th)
	default:
		w.Fatalf("unknown label %q", label)
	}
	w.is("PRK", stage.Bytes())
	w.is("expanded", got.Bytes())
	me.secret[w.step.Label] = got
}

func (w *walk) trafficKeys(me *side) {
	sender := w.step.Who
	if strings.Contains(w.step.What, " read ") {
		sender = map[string]string{"client": "server", "server": "client"}[sender]
	}
	_, epoch, _ := strings.Cut(w.step.What, " for ")
	label := map[string]string{"early application data": "e", "handshake data": "hs", "application data": "ap"}[epoch]
	secret, ok := me.secret["tls13 "+sender[:1]+" "+label+" traffic"]
	if !ok {
		w.Fatalf("{%s} %s: no secret", w.step.Who, w.step.What)
	}
	w.is("PRK", secret.Bytes())
	var key [16]byte
	var iv [12]byte
	secret.Key(key[:])
	secret.IV(iv[:])
	w.is("key expanded", key[:])
	w.is("iv expanded", iv[:])
	gotKey, gotIV := secret.KeyIV(len(key), len(iv))
	if !bytes.Equal(gotKey, w.step.Value("key expanded")) || !bytes.Equal(gotIV, w.step.Value("iv expanded")) {
		w.Errorf("{%s} %s: KeyIV = %x, %x", w.step.Who, w.step.What, gotKey, gotIV)
	}
}

func (w *walk) finish(me *side) {
	sender := w.step.Who
	if w.own {
		w.finished[sender] = bytes.Clone(w.transcript.Sum())
	} else {
		sender = map[string]string{"client": "server", "server": "client"}[sender]
	}
	secret := me.secret["tls13 "+sender[:1]+" hs traffic"]
	w.is("PRK", secret.Bytes())
	w.is("hash", []byte{})
	key := secret.expand("finished", nil)
	w.is("expanded", key.Bytes())
	verify := secret.Finished(nil, w.finished[sender])
	w.is("finished", verify)
	if w.own {
		me.verify = verify
	}
}

func (w *walk) binder(me *side) {
	if w.own {
		w.start()
		w.is("binder hash", w.transcript.SumWith(w.step.Value("ClientHello prefix")))
	}
	secret := me.early.ResumptionBinderKey()
	w.is("PRK", secret.Bytes())
	w.is("hash", []byte{})
	key := secret.expand("finished", nil)
	w.is("expanded", key.Bytes())
	w.is("finished", secret.Finished(nil, w.step.Value("binder hash")))
	// The binder that is sent is the last value of the ClientHello.
	sent := w.trace.Messages()[0].Data
	w.is("finished", sent[len(sent)-32:])
}
