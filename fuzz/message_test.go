package fuzz

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// codec is a message that can be read, and written again.
type codec struct {
	kind  iana.Message
	parse func(body []byte) (again func(w *wire.Writer), err error)
}

const (
	offersAll = ^wire.Set(0)
	maxChain  = 16
)

// codecs are what the first byte of FuzzMessage chooses from; its seeds hang on the order.
var codecs = []codec{
	{iana.ClientHello, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.ClientHello)
		return func(w *wire.Writer) { reencodeClientHello(w, m) }, m.Parse(b)
	}},
	{iana.ServerHello, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.ServerHello)
		return func(w *wire.Writer) { reencodeServerHello(w, m) }, m.Parse(b, offersAll)
	}},
	{iana.EncryptedExtensions, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.EncryptedExtensions)
		return func(w *wire.Writer) { reencodeEncryptedExtensions(w, m) }, m.Parse(b, offersAll)
	}},
	{iana.CertificateRequest, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.CertificateRequest)
		return func(w *wire.Writer) { reencodeCertificateRequest(w, m) }, m.Parse(b)
	}},
	{iana.Certificate, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.Certificate)
		return func(w *wire.Writer) { reencodeCertificate(w, m) }, m.Parse(b, offersAll, maxChain)
	}},
	{iana.CertificateVerify, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.CertificateVerify)
		return func(w *wire.Writer) { wire.AppendCertificateVerify(w, m.Scheme, m.Signature) }, m.Parse(b)
	}},
	{iana.Finished, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.Finished)
		return func(w *wire.Writer) { wire.AppendFinished(w, m.VerifyData) }, m.Parse(b)
	}},
	{iana.KeyUpdate, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.KeyUpdate)
		return func(w *wire.Writer) { wire.AppendKeyUpdate(w, m.RequestUpdate) }, m.Parse(b)
	}},
	{iana.NewSessionTicket, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.NewSessionTicket)
		return func(w *wire.Writer) { reencodeNewSessionTicket(w, m) }, m.Parse(b)
	}},
	{iana.EndOfEarlyData, func(b []byte) (func(*wire.Writer), error) {
		m := new(wire.EndOfEarlyData)
		return wire.AppendEndOfEarlyData, m.Parse(b)
	}},
}

// Behind the codecs are what is no handshake message: an alert, and a ClientHello in the
// framing of SSLv2.
var allCodecs = slices.Concat(codecs, codecs12)

const otherCodecs = 2

// FuzzMessage parses the body of the message that the first byte picks. What parses has
// one encoding, which has to come out again; what does not costs its sender an alert, and
// neither takes memory beyond the message's own size.
func FuzzMessage(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		pick, body := int(data[0])%(len(allCodecs)+otherCodecs), data[1:]
		switch pick - len(allCodecs) {
		case 0:
			checkAlert(t, body)
			return
		case 1:
			checkSSLv2(t, body)
			return
		}
		c := &allCodecs[pick]
		var w wire.Writer
		mark := w.BeginMessage(c.kind)
		w.Raw(body)
		w.End(mark)
		msg := w.B
		body = msg[4:]
		before := bytes.Clone(msg)
		var again func(*wire.Writer)
		var err error
		allocated(t, len(msg), func() { again, err = c.parse(body) })
		if !bytes.Equal(msg, before) {
			t.Fatalf("reading changed the %v", c.kind)
		}
		if err != nil {
			checkWireError(t, err)
		} else {
			checkAgain(t, msg, again)
		}
		switch c.kind {
		case iana.ClientHello:
			checkParseClientHello(t, msg, err)
		case iana.Certificate:
			if err == nil && pick < len(codecs) {
				checkChain(t, body)
			}
		}
	})
}

// checkWireError holds that an error of a codec accuses the peer of something; some have
// further alerts.
func checkWireError(t *testing.T, err error, further ...iana.Alert) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Text == "" {
		t.Fatalf("%T: %v", err, err)
	}
	switch e.Alert() {
	case iana.DecodeError, iana.IllegalParameter, iana.UnsupportedExtension, iana.MissingExtension, iana.CertificateUnknown:
	default:
		if !slices.Contains(further, e.Alert()) {
			t.Fatalf("%v earns alert %v", err, e.Alert())
		}
	}
}

// checkAgain holds that a message is written as it was read.
func checkAgain(t *testing.T, msg []byte, again func(*wire.Writer)) {
	t.Helper()
	var w wire.Writer
	again(&w)
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.B, msg) {
		t.Fatalf("%x was read, and written again as\n%x", msg, w.B)
	}
}

func checkAlert(t *testing.T, b []byte) {
	var m wire.Alert
	if err := m.Parse(b); err != nil {
		checkWireError(t, err)
		return
	}
	var w wire.Writer
	if wire.AppendAlert(&w, m.Level, m.Description); !bytes.Equal(w.B, b) {
		t.Fatalf("%x was read, and written again as %x", b, w.B)
	}
}

// checkParseClientHello holds that applications are told the same of a ClientHello.
func checkParseClientHello(t *testing.T, msg []byte, want error) {
	h, err := conn.ParseClientHello(msg)
	if (err == nil) != (want == nil) || err != nil && !errors.Is(err, conn.ErrProtocol) {
		t.Fatalf("ParseClientHello: %v, the codec: %v", err, want)
	}
	if err != nil {
		return
	}
	clone := h.Clone()
	if !bytes.Equal(clone.Raw(), msg) || clone.ServerName() != h.ServerName() || len(clone.CipherSuites()) == 0 {
		t.Fatal("a clone is another ClientHello")
	}
	n := 0
	for x, content := range h.Extensions() {
		n += 4 + len(content)
		if again, ok := clone.Extension(x); !ok || !bytes.Equal(again, content) {
			t.Fatalf("extension %v of a clone is another one", x)
		}
	}
	if n > len(msg) || 2*len(h.SupportedVersions())+2*len(h.SupportedGroups())+2*len(h.SignatureSchemes())+len(h.ALPN()) > len(msg) {
		t.Fatalf("more in a ClientHello than its %d bytes", len(msg))
	}
}

// checkChain takes the certificates of a message apart.
func checkChain(t *testing.T, body []byte) {
	var m wire.Certificate
	if err := m.Parse(body, offersAll, maxChain); err != nil {
		t.Fatal(err)
	}
	var chain [][]byte
	for e := range m.All() {
		chain = append(chain, e.DER)
	}
	if len(chain) != m.Len() {
		t.Fatalf("%d certificates of %d", len(chain), m.Len())
	}
	parsed, err := certs.ParseChain(chain, maxChain)
	if err == nil && len(parsed) != len(chain) {
		t.Fatalf("%d certificates parsed of %d", len(parsed), len(chain))
	}
	if err != nil {
		var a interface{ Alert() iana.Alert }
		if !errors.As(err, &a) {
			t.Fatalf("%v has no alert", err)
		}
		switch a.Alert() {
		case iana.BadCertificate, iana.UnsupportedCertificate, iana.CertificateUnknown, iana.DecodeError:
		default:
			t.Fatalf("%v earns alert %v", err, a.Alert())
		}
	}
}

// allocated holds that do takes memory in proportion to the n bytes it is given: a length
// that is only claimed costs nothing.
func allocated(t *testing.T, n int, do func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(256<<10+16*n); got > most {
		t.Fatalf("%d bytes of memory for %d of a message", got, n)
	}
}
