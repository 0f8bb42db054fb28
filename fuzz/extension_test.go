package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// contexts are the messages with extensions, by the letters of placement; FuzzExtension's
// first byte picks one, its highest bit puts in front what the message cannot do without.
var contexts = []struct {
	name   string
	answer bool // extensions have to have been offered
	write  func(w *wire.Writer, needed bool, block []byte)
	parse  func(body []byte, offered wire.Set) (again func(*wire.Writer), err error)
}{
	{"CH", false, func(w *wire.Writer, _ bool, block []byte) {
		mark := wire.BeginClientHello(w, iana.TLS12, contextRandom, nil, []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256})
		putBlock(w, block, nil)
		w.End(mark)
	}, func(b []byte, _ wire.Set) (func(*wire.Writer), error) {
		m := new(wire.ClientHello)
		return func(w *wire.Writer) { reencodeClientHello(w, m) }, m.Parse(b)
	}},
	{"SH", true, func(w *wire.Writer, needed bool, block []byte) {
		mark := wire.BeginServerHello(w, contextRandom, nil, iana.TLS_AES_128_GCM_SHA256)
		putBlock(w, block, version(needed))
		w.End(mark)
	}, parseServerHello},
	{"HRR", true, func(w *wire.Writer, needed bool, block []byte) {
		mark := wire.BeginServerHello(w, wire.HelloRetryRequestRandom[:], nil, iana.TLS_AES_128_GCM_SHA256)
		putBlock(w, block, version(needed))
		w.End(mark)
	}, parseServerHello},
	{"EE", true, func(w *wire.Writer, _ bool, block []byte) {
		mark := w.BeginMessage(iana.EncryptedExtensions)
		putBlock(w, block, nil)
		w.End(mark)
	}, func(b []byte, offered wire.Set) (func(*wire.Writer), error) {
		m := new(wire.EncryptedExtensions)
		return func(w *wire.Writer) { reencodeEncryptedExtensions(w, m) }, m.Parse(b, offered)
	}},
	{"CR", false, func(w *wire.Writer, needed bool, block []byte) {
		mark := wire.BeginCertificateRequest(w, nil)
		var first func(*wire.Writer)
		if needed {
			first = func(w *wire.Writer) { wire.PutSignatureAlgorithms(w, []iana.SignatureScheme{iana.Ed25519}) }
		}
		putBlock(w, block, first)
		w.End(mark)
	}, func(b []byte, _ wire.Set) (func(*wire.Writer), error) {
		m := new(wire.CertificateRequest)
		return func(w *wire.Writer) { reencodeCertificateRequest(w, m) }, m.Parse(b)
	}},
	{"CT", true, func(w *wire.Writer, _ bool, block []byte) {
		mark := wire.BeginCertificate(w, nil)
		wire.PutCertificateEntry(w, contextRandom, nil, nil)
		w.B = w.B[:len(w.B)-2]
		putBlock(w, block, nil)
		wire.EndCertificate(w, mark)
	}, func(b []byte, offered wire.Set) (func(*wire.Writer), error) {
		m := new(wire.Certificate)
		return func(w *wire.Writer) { reencodeCertificate(w, m) }, m.Parse(b, offered, maxChain)
	}},
	{"NST", false, func(w *wire.Writer, _ bool, block []byte) {
		mark := wire.BeginNewSessionTicket(w, 1, 2, nil, contextRandom)
		putBlock(w, block, nil)
		w.End(mark)
	}, func(b []byte, _ wire.Set) (func(*wire.Writer), error) {
		m := new(wire.NewSessionTicket)
		return func(w *wire.Writer) { reencodeNewSessionTicket(w, m) }, m.Parse(b)
	}},
	{"SH12", true, func(w *wire.Writer, _ bool, block []byte) {
		mark := wire.BeginServerHello(w, contextRandom, nil, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		putBlock(w, block, nil)
		w.End(mark)
	}, parseServerHello12},
}

var contextRandom = bytes.Repeat([]byte{7}, 32)

func parseServerHello(b []byte, offered wire.Set) (func(*wire.Writer), error) {
	m := new(wire.ServerHello)
	return func(w *wire.Writer) { reencodeServerHello(w, m) }, m.Parse(b, offered)
}

func version(needed bool) func(*wire.Writer) {
	if !needed {
		return nil
	}
	return func(w *wire.Writer) { wire.PutSelectedVersion(w, iana.TLS13) }
}

// putBlock writes a block of extensions, which first is to begin with.
func putBlock(w *wire.Writer, block []byte, first func(*wire.Writer)) {
	mark := w.Begin16()
	if first != nil {
		first(w)
	}
	w.Raw(block)
	w.End(mark)
}

// placement is the table of RFC 8446, Section 4.2, read from there, and what the RFCs of
// the others say of theirs. SH12 is the ServerHello of TLS 1.2, which has EE's extensions
// but for early_data, and SH's of none.
var placement = map[iana.Extension]string{
	iana.ServerName: "CH EE SH12", iana.MaxFragmentLength: "CH EE SH12", iana.StatusRequest: "CH CR CT SH12",
	iana.SupportedGroups: "CH EE SH12", iana.SignatureAlgorithms: "CH CR", iana.UseSRTP: "CH EE SH12",
	iana.ApplicationLayerProtocolNegotiation: "CH EE SH12", iana.SignedCertificateTimestamp: "CH CR CT SH12",
	iana.ClientCertificateType: "CH EE SH12", iana.ServerCertificateType: "CH EE SH12", iana.Padding: "CH",
	iana.KeyShare: "CH SH HRR", iana.PreSharedKey: "CH SH", iana.PSKKeyExchangeModes: "CH",
	iana.EarlyData: "CH EE NST", iana.Cookie: "CH HRR", iana.SupportedVersions: "CH SH HRR",
	iana.CertificateAuthorities: "CH CR", iana.OIDFilters: "CR", iana.PostHandshakeAuth: "CH",
	iana.SignatureAlgorithmsCert: "CH CR",

	iana.ECPointFormats: "CH SH12", iana.EncryptThenMAC: "CH SH12", iana.ExtendedMasterSecret: "CH SH12",
	iana.SessionTicket: "CH SH12", iana.RenegotiationInfo: "CH SH12",
	iana.CompressCertificate: "CH CR", iana.RecordSizeLimit: "CH EE SH12", // RFC 8879, RFC 8449
	iana.QUICTransportParameters: "CH EE", iana.EncryptedClientHello: "CH HRR EE", // RFC 9001, RFC 9849
}

// FuzzExtension parses a block of extensions where each of the messages has its own. In one
// that parses nothing is there twice or out of place, and an answer was asked for.
func FuzzExtension(f *testing.F) {
	f.Fuzz(func(t *testing.T, context byte, offers uint64, block []byte) {
		c := &contexts[int(context&0x7f)%len(contexts)]
		if len(block) > 1<<16-100 {
			return
		}
		offered := wire.Set(offers)
		var w wire.Writer
		c.write(&w, context>>7 == 1, block)
		if err := w.Err(); err != nil {
			t.Fatal(err)
		}
		var again func(*wire.Writer)
		var err error
		allocated(t, len(w.B), func() { again, err = c.parse(w.B[4:], offered) })
		kinds, whole := split(block)
		if context>>7 == 1 {
			switch c.name {
			case "SH", "HRR":
				kinds = append([]iana.Extension{iana.SupportedVersions}, kinds...)
			case "CR":
				kinds = append([]iana.Extension{iana.SignatureAlgorithms}, kinds...)
			}
		}
		if err == nil {
			checkAgain(t, w.B, again)
			if !whole {
				t.Fatal("half an extension is accepted")
			}
			checkPlaces(t, c.name, c.answer, kinds, offered)
			return
		}
		checkWireError(t, err)
		var e *wire.Error
		errors.As(err, &e)
		switch e.Alert() {
		case iana.UnsupportedExtension:
			if !c.answer || !slices.ContainsFunc(kinds, func(x iana.Extension) bool { return !wasOffered(c.name, x, offered) }) {
				t.Fatalf("%v: all of %v was offered", err, kinds)
			}
		case iana.MissingExtension:
			needed := map[string]iana.Extension{"HRR": iana.SupportedVersions, "CR": iana.SignatureAlgorithms}
			if x, ok := needed[c.name]; !ok || slices.Contains(kinds, x) {
				t.Fatalf("%v: %v has all it needs", err, kinds)
			}
		case iana.CertificateUnknown:
			t.Fatal(err)
		}
	})
}

// split takes a block apart as far as it goes.
func split(block []byte) (kinds []iana.Extension, whole bool) {
	for len(block) >= 4 {
		n := 4 + int(binary.BigEndian.Uint16(block[2:]))
		if n > len(block) {
			return kinds, false
		}
		kinds = append(kinds, iana.Extension(binary.BigEndian.Uint16(block)))
		block = block[n:]
	}
	return kinds, len(block) == 0
}

func wasOffered(context string, x iana.Extension, offered wire.Set) bool {
	return placement[x] != "" && offered.Has(x) || x == iana.Cookie && context == "HRR"
}

func checkPlaces(t *testing.T, context string, answer bool, kinds []iana.Extension, offered wire.Set) {
	switch has := slices.Contains(kinds, iana.SupportedVersions); {
	case context == "SH" && !has:
		answer, context = false, "" // of TLS 1.2, which only Parse12 judges
	case context == "SH12" && has:
		context = "SH"
	}
	for i, x := range kinds {
		if slices.Contains(kinds[:i], x) {
			t.Fatalf("%v is there twice", x)
		}
		if places := placement[x]; places != "" && context != "" && !slices.Contains(strings.Fields(places), context) {
			t.Fatalf("%v is accepted in %s", x, context)
		}
		if answer && !wasOffered(context, x, offered) {
			t.Fatalf("%v is accepted in %s and was not offered", x, context)
		}
		if x == iana.PreSharedKey && context == "CH" && i != len(kinds)-1 {
			t.Fatal("pre_shared_key is accepted before another extension")
		}
	}
	if len(kinds) > 128 {
		t.Fatalf("%d extensions are accepted", len(kinds))
	}
}
