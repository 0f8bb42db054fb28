package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// The fields of the samples: slices of their own, so that writing does not allocate.
var (
	sampleRandom    = bytes.Repeat([]byte{0x52}, 32)
	sampleSession   = bytes.Repeat([]byte{0x53}, 32)
	sampleShare     = bytes.Repeat([]byte{0x54}, 65)
	sampleBinder    = bytes.Repeat([]byte{0x55}, 32)
	sampleTicket    = bytes.Repeat([]byte{0x56}, 100)
	sampleDER       = bytes.Repeat([]byte{0x30}, 300)
	sampleSuites    = []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384}
	sampleGroups    = []iana.Group{iana.X25519, iana.Secp256r1}
	sampleSchemes   = []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256}
	sampleProtocols = []string{"h2", "http/1.1"}
	sampleNames     = [][]byte{{0x30, 0x01}, {0x30, 0x02, 0x03}}
	sampleSCTs      = []byte{0, 7, 0, 2, 1, 2, 0, 1, 9}
	everything      = ^Set(0)
)

// sample is a well-formed message with all that its type can have.
type sample struct {
	name  string // with which errors begin
	write func(w *Writer)
	parse func(body []byte) error

	// cuttable reports whether the body is well-formed too if cut after n bytes.
	cuttable func(n int) bool
}

func never(int) bool { return false }

var samples = []sample{
	{
		"client_hello", writeSampleClientHello,
		func(b []byte) error { return new(ClientHello).Parse(b) },
		func(n int) bool { return n == 2+32+33+6+2 }, // no extension block
	},
	{
		"server_hello", writeSampleServerHello,
		func(b []byte) error { return new(ServerHello).Parse(b, everything) },
		func(n int) bool { return n == 2+32+33+3 }, // no extension block
	},
	{
		"hello_retry_request", writeSampleHelloRetryRequest,
		func(b []byte) error { return new(ServerHello).Parse(b, everything) }, never,
	},
	{
		"encrypted_extensions", writeSampleEncryptedExtensions,
		func(b []byte) error { return new(EncryptedExtensions).Parse(b, everything) }, never,
	},
	{
		"certificate_request", writeSampleCertificateRequest,
		func(b []byte) error { return new(CertificateRequest).Parse(b) }, never,
	},
	{
		"certificate", writeSampleCertificate,
		func(b []byte) error { return new(Certificate).Parse(b, everything, 8) }, never,
	},
	{
		"certificate_verify", writeSampleCertificateVerify,
		func(b []byte) error { return new(CertificateVerify).Parse(b) }, never,
	},
	{
		"finished", writeSampleFinished,
		func(b []byte) error { return new(Finished).Parse(b) },
		func(n int) bool { return n > 0 }, // its length is that of the hash, which is not known here
	},
	{
		"key_update", writeSampleKeyUpdate,
		func(b []byte) error { return new(KeyUpdate).Parse(b) }, never,
	},
	{
		"end_of_early_data", AppendEndOfEarlyData,
		func(b []byte) error { return new(EndOfEarlyData).Parse(b) }, never,
	},
	{
		"new_session_ticket", writeSampleNewSessionTicket,
		func(b []byte) error { return new(NewSessionTicket).Parse(b) }, never,
	},
}

func writeSampleClientHello(w *Writer) {
	m := BeginClientHello(w, iana.TLS12, sampleRandom, sampleSession, sampleSuites)
	x := w.Begin16()
	PutServerName(w, "example.com")
	PutSupportedVersions(w, iana.TLS13, iana.TLS12)
	PutSupportedGroups(w, sampleGroups)
	PutSignatureAlgorithms(w, sampleSchemes)
	PutSignatureAlgorithmsCert(w, sampleSchemes)
	shares := BeginKeyShares(w)
	for _, g := range sampleGroups {
		share := BeginKeyShare(w, g)
		w.Raw(sampleShare)
		w.End(share)
	}
	EndKeyShares(w, shares)
	PutALPN(w, sampleProtocols)
	PutPSKKeyExchangeModes(w, PSKWithDHE, PSKOnly)
	PutEarlyData(w)
	PutCookie(w, sampleTicket)
	PutStatusRequest(w)
	PutSCTRequest(w)
	PutCertificateAuthorities(w, sampleNames)
	PutMaxFragmentLength(w, 4)
	PutRecordSizeLimit(w, 16385)
	PutPostHandshakeAuth(w)
	PutExtendedMasterSecret(w)
	PutRenegotiationInfo(w, nil)
	PutSessionTicket(w, sampleTicket)
	PutECPointFormats(w, 0)
	putEmpty(w, iana.EncryptThenMAC)
	PutPadding(w, 5)
	psk := BeginPreSharedKey(w)
	PutPSKIdentity(w, sampleTicket, 0xa0b0c0d0)
	PutPSKIdentity(w, sampleShare, 0)
	psk = BeginPSKBinders(w, psk)
	PutPSKBinder(w, sampleBinder)
	PutPSKBinder(w, sampleBinder)
	EndPreSharedKey(w, psk)
	w.End(x)
	w.End(m)
}

func writeSampleServerHello(w *Writer) {
	m := BeginServerHello(w, sampleRandom, sampleSession, iana.TLS_AES_128_GCM_SHA256)
	x := w.Begin16()
	PutSelectedIdentity(w, 1)
	share := BeginServerKeyShare(w, iana.X25519)
	w.Raw(sampleShare)
	EndServerKeyShare(w, share)
	PutSelectedVersion(w, iana.TLS13)
	w.End(x)
	w.End(m)
}

func writeSampleHelloRetryRequest(w *Writer) {
	m := BeginServerHello(w, HelloRetryRequestRandom[:], nil, iana.TLS_AES_256_GCM_SHA384)
	x := w.Begin16()
	PutSelectedVersion(w, iana.TLS13)
	PutHelloRetryGroup(w, iana.Secp256r1)
	PutCookie(w, sampleTicket)
	w.End(x)
	w.End(m)
}

func writeSampleEncryptedExtensions(w *Writer) {
	m := w.BeginMessage(iana.EncryptedExtensions)
	x := w.Begin16()
	PutServerNameAck(w)
	PutSelectedALPN(w, "h2")
	PutEarlyData(w)
	PutMaxFragmentLength(w, 1)
	PutRecordSizeLimit(w, 64)
	PutSupportedGroups(w, sampleGroups)
	w.End(x)
	w.End(m)
}

func writeSampleCertificateRequest(w *Writer) {
	m := BeginCertificateRequest(w, sampleBinder)
	x := w.Begin16()
	PutSignatureAlgorithms(w, sampleSchemes)
	PutSignatureAlgorithmsCert(w, sampleSchemes)
	PutCertificateAuthorities(w, sampleNames)
	PutEmptyStatusRequest(w)
	PutSCTRequest(w)
	w.End(x)
	w.End(m)
}

func writeSampleCertificate(w *Writer) {
	m := BeginCertificate(w, sampleBinder)
	PutCertificateEntry(w, sampleDER, sampleTicket, sampleSCTs)
	PutCertificateEntry(w, sampleDER[1:], nil, nil)
	EndCertificate(w, m)
}

func writeSampleCertificateVerify(w *Writer) {
	AppendCertificateVerify(w, iana.Ed25519, sampleShare[:64])
}

func writeSampleFinished(w *Writer) { AppendFinished(w, sampleBinder) }

func writeSampleKeyUpdate(w *Writer) { AppendKeyUpdate(w, true) }

func writeSampleNewSessionTicket(w *Writer) {
	m := BeginNewSessionTicket(w, 7200, 0x01020304, sampleBinder[:8], sampleTicket)
	x := w.Begin16()
	PutMaxEarlyData(w, 16384)
	w.End(x)
	w.End(m)
}

// written returns the message that write writes.
func written(t testing.TB, write func(*Writer)) []byte {
	t.Helper()
	var w Writer
	write(&w)
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	if n := int(binary.BigEndian.Uint32(w.B) & 0xffffff); n != len(w.B)-4 {
		t.Fatalf("the header says %d bytes, the body has %d", n, len(w.B)-4)
	}
	return w.B
}

// block returns an extension block, with its length, of extensions in their wire form.
func block(extensions ...[]byte) []byte {
	var w Writer
	w.vec16(bytes.Join(extensions, nil))
	return w.B
}

// ext returns the wire form of an extension.
func ext(t iana.Extension, data ...byte) []byte {
	var w Writer
	x := w.BeginExtension(t)
	w.Raw(data)
	w.End(x)
	return w.B
}

// clientHelloWith returns the body of a ClientHello with these extensions.
func clientHelloWith(extensions ...[]byte) []byte {
	var w Writer
	BeginClientHello(&w, iana.TLS12, sampleRandom, nil, sampleSuites)
	return append(w.B[4:], block(extensions...)...)
}

// serverHelloWith returns the body of a ServerHello with these extensions.
func serverHelloWith(random []byte, extensions ...[]byte) []byte {
	var w Writer
	BeginServerHello(&w, random, nil, iana.TLS_AES_128_GCM_SHA256)
	return append(w.B[4:], block(extensions...)...)
}

// wantAlert checks that err is an *Error of that alert which names the message first, and
// then all of mentions.
func wantAlert(t testing.TB, err error, alert iana.Alert, message string, mentions ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want one of type *Error with alert %v", err, alert)
	}
	if e.Alert() != alert {
		t.Errorf("%v: alert %v, want %v", err, e.Alert(), alert)
	}
	if !strings.HasPrefix(e.Error(), message+": ") {
		t.Errorf("%q does not begin with %q", e.Error(), message)
	}
	for _, mention := range mentions {
		if !strings.Contains(e.Error(), mention) {
			t.Errorf("%q does not mention %q", e.Error(), mention)
		}
	}
}

// sliceOf returns what seq ranges over, copied.
func sliceOf(seq func(func([]byte) bool)) (s []string) {
	for b := range seq {
		s = append(s, string(b))
	}
	return s
}

func TestSamplesParse(t *testing.T) {
	for _, s := range slices.Concat(samples, samples12) {
		t.Run(s.name, func(t *testing.T) {
			if err := s.parse(written(t, s.write)[4:]); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSamplesStayWithinMaxLength(t *testing.T) {
	for _, s := range slices.Concat(samples, samples12) {
		msg := written(t, s.write)
		if n := MaxLength(iana.Message(msg[0])); len(msg)-4 > n {
			t.Errorf("%s of %d bytes is longer than %d", s.name, len(msg)-4, n)
		}
	}
}

func TestCutAnywhereIsDecodeError(t *testing.T) {
	for _, s := range slices.Concat(samples, samples12) {
		t.Run(s.name, func(t *testing.T) {
			body := written(t, s.write)[4:]
			for n := range len(body) {
				err := s.parse(body[:n:n])
				if s.cuttable(n) {
					if err != nil {
						t.Errorf("cut after %d bytes: %v", n, err)
					}
					continue
				}
				message := s.name
				if message == "hello_retry_request" && n < 34 {
					message = "server_hello" // as the random is not all there
				}
				alert := iana.DecodeError
				if message == "hello_retry_request" && n == 2+32+1+3 {
					alert = iana.MissingExtension // there is no extension block
				}
				wantAlert(t, err, alert, message)
			}
		})
	}
}

func TestByteLeftOverIsDecodeError(t *testing.T) {
	for _, s := range slices.Concat(samples, samples12) {
		if s.name == "finished" {
			continue // one byte more is a longer hash, or not what TLS 1.2 has
		}
		t.Run(s.name, func(t *testing.T) {
			body := append(written(t, s.write)[4:], 0)
			wantAlert(t, s.parse(body), iana.DecodeError, s.name, "1 bytes left over")
		})
	}
}

// Whatever one byte is changed to, a message parses or fails with an alert that a parser
// may give, and neither it nor those who range over it panic.
func TestAnyByteChanged(t *testing.T) {
	alerts := []iana.Alert{iana.DecodeError, iana.IllegalParameter, iana.MissingExtension, iana.UnsupportedExtension}
	for _, s := range slices.Concat(samples, samples12) {
		t.Run(s.name, func(t *testing.T) {
			body := written(t, s.write)[4:]
			for i := range body {
				for _, v := range []byte{0, 1, 2, 0x7f, 0x80, 0xff, body[i] - 1, body[i] + 1} {
					changed := slices.Clone(body)
					changed[i] = v
					err := s.parse(changed)
					var e *Error
					if err != nil && (!errors.As(err, &e) || !slices.Contains(alerts, e.Alert())) {
						t.Errorf("byte %d is %#x: %v", i, v, err)
					}
				}
			}
		})
	}
}

// Every extension of every sample that has a form of its own is held to its length.
func TestExtensionOfWrongLengthIsDecodeError(t *testing.T) {
	for _, s := range append(slices.Clone(samples), samples12[0]) {
		var free []iana.Extension
		msg := written(t, s.write)
		at := 0
		switch s.name {
		case "client_hello":
			at = 4 + 2 + 32 + 33 + 6 + 2
			free = []iana.Extension{iana.SessionTicket, iana.Padding}
		case "server_hello":
			at = 4 + 2 + 32 + 33 + 3
		case "hello_retry_request":
			at = 4 + 2 + 32 + 1 + 3
		case "encrypted_extensions":
			at = 4
		case "certificate_request":
			at = 4 + 33
		case "new_session_ticket":
			at = 4 + 8 + 9 + 102
		default:
			continue
		}
		head, list := msg[4:at], Extensions(msg[at+2:])
		for kind, data := range list.All() {
			if slices.Contains(free, kind) {
				continue
			}
			for n := range len(data) + 2 {
				if n == len(data) {
					continue
				}
				changed := slices.Clone(head)
				var w Writer
				x := w.Begin16()
				for k, d := range list.All() {
					if k == kind {
						d = append(slices.Clone(data), 0)[:n]
					}
					w.Raw(ext(k, d...))
				}
				w.End(x)
				t.Run(s.name+" "+kind.String(), func(t *testing.T) {
					err := s.parse(append(changed, w.B...))
					wantAlert(t, err, iana.DecodeError, s.name, "extension "+kind.String()+": ")
				})
			}
		}
	}
}

func TestSamplesDoNotAllocate(t *testing.T) {
	for _, s := range slices.Concat(samples, samples12) {
		t.Run(s.name, func(t *testing.T) {
			w := Writer{B: make([]byte, 0, 4096)}
			n := testing.AllocsPerRun(50, func() {
				w.B = w.B[:0]
				s.write(&w)
			})
			if n != 0 {
				t.Errorf("writing allocates %v times", n)
			}
			body := w.B[4:]
			n = testing.AllocsPerRun(50, func() {
				if s.parse(body) != nil {
					t.Fail()
				}
			})
			if n != 0 {
				t.Errorf("parsing allocates %v times", n)
			}
		})
	}
}

// An append to a lent slice must not reach the bytes that follow it.
func TestLentSlicesAreCapped(t *testing.T) {
	body := written(t, writeSampleClientHello)[4:]
	before := slices.Clone(body)
	var m ClientHello
	if err := m.Parse(body); err != nil {
		t.Fatal(err)
	}
	lent := [][]byte{m.Random, m.SessionID, m.CipherSuites, m.CompressionMethods, m.Extensions, m.ServerName,
		m.SupportedVersions, m.KeyShares, m.ALPN, m.Cookie, m.CertificateAuthorities, m.PreSharedKey.Identities}
	for i, b := range lent {
		_ = append(b, 0xee)
		if !bytes.Equal(body, before) {
			t.Fatalf("append to slice %d changed the message", i)
		}
	}
	body[2] ^= 0xff
	if m.Random[0] != body[2] {
		t.Error("the random is a copy")
	}
}
