package handshake

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/policy"
)

// packet is what goes from one Machine to the other at a time: whole messages of one epoch, or
// the change_cipher_spec of TLS 1.2, which has no data.
type packet struct {
	epoch Epoch
	data  []byte
}

// side is a Machine and what its driver knows of it.
type side struct {
	*Machine
	log      []Event      // all so far, each with a copy of its data
	out      []packet     // one message each; taken by the other side
	question *Event       // that waits for an answer
	received iana.Message // the last one
	sent     iana.Message
	graph    *graph       // where transitions are recorded, if not nil
	version  iana.Version // in which diagram
}

func newSide(client bool, cfg *Config) *side {
	s := &side{}
	if client {
		s.Machine = NewClient(cfg, "localhost")
	} else {
		s.Machine = NewServer(cfg)
	}
	s.Observe = func(sent bool, t iana.Message, _ int) {
		if sent {
			s.sent = t
		} else {
			s.received = t
		}
	}
	sides.Store(s.Machine, s)
	return s
}

// sides finds the side of a Machine for the state graph, which is told of Machines only.
var sides sync.Map

// close ends the Machine, and what the tests keep of it.
func (s *side) close() {
	s.Machine.Close()
	sides.Delete(s.Machine)
}

// advance calls Advance and does what the Events say. It returns those of this call.
func (s *side) advance() ([]Event, error) {
	before := len(s.log)
	events, err := s.Advance()
	for _, e := range events {
		e.Data = slices.Clone(e.Data)
		s.log = append(s.log, e)
		switch e.Kind {
		case Write:
			for _, msg := range messages(e.Data) {
				s.out = append(s.out, packet{e.Epoch, msg})
			}
		case WriteChangeCipherSpec:
			if s.Result.Version == iana.TLS12 {
				s.out = append(s.out, packet{})
			}
		case Ask:
			s.question = &e
		}
	}
	s.Idle()
	return s.log[before:], err
}

// feed is Feed, or ChangeCipherSpec, and advance.
func (s *side) feed(p packet) ([]Event, error) {
	if p.data == nil {
		s.ChangeCipherSpec()
	} else if err := s.Feed(p.epoch, p.data); err != nil {
		return nil, err
	}
	return s.advance()
}

// state names the Machine's state by its type; a wait also by its question.
func (s *side) stateName() string { return stateName(s.state) }

func stateName(s state) string {
	if w, ok := s.(waiting); ok {
		return "await " + w.asks().String()
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", s), "*")
	return strings.TrimPrefix(name, "handshake.")
}

// messages cuts handshake bytes into messages. What is left of an unfinished one is the last.
func messages(data []byte) (list [][]byte) {
	for len(data) > 0 {
		n := len(data)
		if whole(data) {
			n = length(data)
		}
		list = append(list, data[:n:n])
		data = data[n:]
	}
	return list
}

// length is how long the message that data begins with says it is, with its header.
func length(data []byte) int { return 4 + int(data[1])<<16 + int(data[2])<<8 + int(data[3]) }

// whole reports whether data begins with a whole message.
func whole(data []byte) bool { return len(data) >= 4 && length(data) <= len(data) }

// stream is a side's randomness: the same bytes in each run.
func stream(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// identity is a certificate of the tests' authority with its key.
type identity struct {
	*testpeer.Issued
	cert  *certs.Certificate
	store *certs.Store
}

// authority issues the certificates of these tests, the same in each run.
var authority = sync.OnceValue(func() *testpeer.Authority {
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("handshake tests"), Key: testpeer.KeyEd25519})
	if err != nil {
		panic(err)
	}
	return a
})

var identities sync.Map

// issue returns the certificate for localhost with a key of a kind.
func issue(t testing.TB, kind testpeer.KeyKind) *identity {
	t.Helper()
	if id, ok := identities.Load(kind); ok {
		return id.(*identity)
	}
	issued, err := authority().Issue(testpeer.Template{DNSNames: []string{"localhost"}, Key: kind})
	if err != nil {
		t.Fatal(err)
	}
	id := &identity{Issued: issued}
	if id.cert, err = certs.New(issued.Chain, issued.Key); err != nil {
		t.Fatal(err)
	}
	if id.store, err = certs.NewStore([]*certs.Certificate{id.cert}, certs.StoreOptions{}); err != nil {
		t.Fatal(err)
	}
	identities.Store(kind, id)
	return id
}

// today is the clock of these tests.
func today() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// config is the Config that both sides of these tests begin with: one choice of each
// kind, cheap and deterministic, and a second one where a choice is needed. OCSP responses are
// any bytes.
func config(t testing.TB) *Config {
	return &Config{
		MinVersion: iana.TLS13, MaxVersion: iana.TLS13,
		Suites:         []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_CHACHA20_POLY1305_SHA256},
		Groups:         policy.LocalGroups{Curves: []iana.Group{iana.X25519, iana.Secp256r1}},
		GroupOrder:     []iana.Group{iana.X25519, iana.Secp256r1},
		KeyShares:      []iana.Group{iana.X25519},
		Schemes:        []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256},
		Schemes12:      []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256},
		Groups12:       []iana.Group{iana.X25519, iana.Secp256r1},
		OfferedSchemes: []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256},
		Verify:         &verify.Settings{Roots: authority().Pool(), Now: today, SkipStaple: true},
		Now:            today,
	}
}

func clientConfig(t testing.TB) *Config {
	c := config(t)
	c.ClientAuth = OptionalClientAuth
	c.Rand = stream('c')
	return c
}

func serverConfig(t testing.TB) *Config {
	c := config(t)
	c.ClientAuth = NoClientAuth
	c.Certificates = issue(t, testpeer.KeyEd25519).store
	c.Rand = stream('s')
	return c
}

// failsWith holds what is true of every error of a Machine: the alert, the sentence, that no keys
// were given out beside it, and that the Machine has failed for good.
func (s *side) failsWith(t testing.TB, events []Event, err error, alert iana.Alert, sentence string) {
	t.Helper()
	if err == nil {
		t.Fatalf("nothing is wrong, and the state is %s; want %v", s.stateName(), alert)
	}
	if got := AlertOf(err); got != alert {
		t.Errorf("the alert is %v, want %v (%v)", got, alert, err)
	}
	if sentence != "" && err.Error() != sentence {
		t.Errorf("the error is\n\t%s\nwant\n\t%s", err, sentence)
	}
	for _, e := range events {
		if e.Kind == SetReadKey || e.Kind == SetWriteKey || e.Kind == Done || e.Kind == KeyLog {
			t.Errorf("%v of the %v epoch came with the error", e.Kind, e.Epoch)
		}
		if msgs := messages(e.Data); e.Kind == Write && !whole(msgs[len(msgs)-1]) {
			t.Errorf("an unfinished message is to be written: %x", msgs[len(msgs)-1])
		}
	}
	if _, _, ok := s.Waiting(); ok || s.Done() && !slices.ContainsFunc(s.log, func(e Event) bool { return e.Kind == Done }) {
		t.Error("the failed Machine waits or is done")
	}
	if more, again := s.Advance(); again != err || more != nil {
		t.Errorf("the next Advance gives %d events and %v", len(more), again)
	}
	if again := s.Feed(s.read, []byte{byte(iana.Finished)}); again != err {
		t.Errorf("the next Feed gives %v", again)
	}
	if name := s.stateName(); name != "closed" {
		t.Errorf("the state of the failed Machine is %s", name)
	}
	if s.x != nil {
		t.Error("the failed Machine keeps its secrets")
	}
}
