package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// fuzzMessage parses bodies of a message of that type. What parses has one encoding, from
// which reencode must arrive at the same bytes; what does not has an alert.
func fuzzMessage(f *testing.F, kind iana.Message) {
	for _, s := range samples {
		if msg := written(f, s.write); iana.Message(msg[0]) == kind {
			f.Add(msg[4:])
		}
	}
	for _, msg := range rfc8448Messages(f) {
		if iana.Message(msg[0]) == kind {
			f.Add(msg[4:])
		}
	}
	if kind == iana.ClientHello {
		var m ClientHello
		if err := m.Parse(written(f, writeSampleClientHello)[4:]); err != nil {
			f.Fatal(err)
		}
		for kind, data := range m.Extensions.All() {
			f.Add(clientHelloWith(ext(kind, data...))) // short, so that mutation strikes it
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var w Writer
		x := w.BeginMessage(kind)
		w.Raw(body)
		w.End(x)
		m, err := parseMessage(w.B)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Alert() == iana.CloseNotify || e.Alert() == iana.InternalError {
				t.Fatal(err)
			}
			return
		}
		if again := reencode(t, m); !bytes.Equal(again, w.B) {
			t.Errorf("% x, want\n% x", again, w.B)
		}
	})
}

func FuzzClientHello(f *testing.F)         { fuzzMessage(f, iana.ClientHello) }
func FuzzServerHello(f *testing.F)         { fuzzMessage(f, iana.ServerHello) }
func FuzzEncryptedExtensions(f *testing.F) { fuzzMessage(f, iana.EncryptedExtensions) }
func FuzzCertificateRequest(f *testing.F)  { fuzzMessage(f, iana.CertificateRequest) }
func FuzzCertificate(f *testing.F)         { fuzzMessage(f, iana.Certificate) }
func FuzzCertificateVerify(f *testing.F)   { fuzzMessage(f, iana.CertificateVerify) }
func FuzzFinished(f *testing.F)            { fuzzMessage(f, iana.Finished) }
func FuzzKeyUpdate(f *testing.F)           { fuzzMessage(f, iana.KeyUpdate) }
func FuzzEndOfEarlyData(f *testing.F)      { fuzzMessage(f, iana.EndOfEarlyData) }
func FuzzNewSessionTicket(f *testing.F)    { fuzzMessage(f, iana.NewSessionTicket) }

func FuzzAlert(f *testing.F) {
	f.Add([]byte{2, 50})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Alert
		if m.Parse(b) != nil {
			return
		}
		var w Writer
		if AppendAlert(&w, m.Level, m.Description); !bytes.Equal(w.B, b) {
			t.Errorf("% x, want % x", w.B, b)
		}
	})
}

// Lists range over any bytes at all, also those that no Parse has seen.
func FuzzLists(f *testing.F) {
	f.Add([]byte("\x00\x33\x00\x02\x00\x00"))
	f.Add([]byte("\x02h2\x08http/1.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		steps := 0
		for _, data := range Extensions(b).All() {
			steps += 4 + len(data)
		}
		if steps > len(b) {
			t.Errorf("extensions of %d bytes in %d", steps, len(b))
		}
		for g, share := range KeyShares(b).All() {
			if len(share) == 0 {
				t.Errorf("an empty share of %v", g)
			}
		}
		for name := range ProtocolNames(b).All() {
			if !ProtocolNames(b).Has(string(name)) {
				t.Errorf("%q is in the list, and is not", name)
			}
		}
		for identity := range PSKIdentities(b).All() {
			if len(identity) == 0 {
				t.Error("an empty identity")
			}
		}
		for range PSKBinders(b).All() {
			steps++
		}
		for range DistinguishedNames(b).All() {
			steps++
		}
	})
}
