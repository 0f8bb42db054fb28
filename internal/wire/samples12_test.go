package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// codec12 is a well-formed message that only TLS 1.2 has, and how to write again what Parse
// makes of a body.
type codec12 struct {
	sample
	rewrite func(w *Writer, body []byte) error
}

var codecs12 = []codec12{
	{
		sample{
			"server_hello", writeSampleServerHello12,
			func(b []byte) error {
				var m ServerHello
				if err := m.Parse(b, everything); err != nil {
					return err
				}
				return m.Parse12(everything)
			},
			func(n int) bool { return n == 2+32+33+3 }, // no extension block
		},
		rewriteServerHello12,
	},
	{
		sample{
			"certificate", writeSampleCertificate12,
			func(b []byte) error { return new(Certificate12).Parse(b, 8) }, never,
		},
		func(w *Writer, body []byte) error {
			var m Certificate12
			err := m.Parse(body, 8)
			x := BeginCertificate12(w)
			for der := range m.All() {
				PutCertificate12(w, der)
			}
			EndCertificate12(w, x)
			return err
		},
	},
	{
		sample{
			"server_key_exchange", writeSampleServerECDHE,
			func(b []byte) error { _, err := ParseServerECDHE(b); return err }, never,
		},
		func(w *Writer, body []byte) error {
			m, err := ParseServerECDHE(body)
			AppendServerKeyExchange(w, AppendServerECDHParams(nil, m.Group, m.Point), m.Scheme, m.Signature)
			return err
		},
	},
	{
		sample{
			"server_key_exchange", writeSampleServerDHE,
			func(b []byte) error { _, err := ParseServerDHE(b); return err }, never,
		},
		func(w *Writer, body []byte) error {
			m, err := ParseServerDHE(body)
			AppendServerKeyExchange(w, AppendServerDHParams(nil, m.P, m.G, m.Ys), m.Scheme, m.Signature)
			return err
		},
	},
	{
		sample{
			"client_key_exchange", func(w *Writer) { AppendClientECDHE(w, sampleShare) },
			func(b []byte) error { _, err := ParseClientECDHE(b); return err }, never,
		},
		func(w *Writer, body []byte) error {
			point, err := ParseClientECDHE(body)
			AppendClientECDHE(w, point)
			return err
		},
	},
	{
		sample{
			"client_key_exchange", func(w *Writer) { AppendClientDHE(w, sampleDER) },
			func(b []byte) error { _, err := ParseClientDHE(b); return err }, never,
		},
		func(w *Writer, body []byte) error {
			yc, err := ParseClientDHE(body)
			AppendClientDHE(w, yc)
			return err
		},
	},
	{
		sample{
			"client_key_exchange", func(w *Writer) { AppendClientRSA(w, sampleDER) },
			func(b []byte) error { _, err := ParseClientRSA(b); return err }, never,
		},
		func(w *Writer, body []byte) error {
			encrypted, err := ParseClientRSA(body)
			AppendClientRSA(w, encrypted)
			return err
		},
	},
	{
		sample{
			"certificate_request", func(w *Writer) { AppendCertificateRequest12(w, sampleTypes, sampleSchemes, sampleNames) },
			func(b []byte) error { return new(CertificateRequest12).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			var m CertificateRequest12
			err := m.Parse(body)
			AppendCertificateRequest12(w, m.CertificateTypes, m.SignatureAlgorithms.Slice(), namesOf(m.CertificateAuthorities))
			return err
		},
	},
	{
		sample{
			"certificate_status", func(w *Writer) { AppendCertificateStatus(w, sampleDER) },
			func(b []byte) error { return new(CertificateStatus).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			var m CertificateStatus
			err := m.Parse(body)
			AppendCertificateStatus(w, m.Response)
			return err
		},
	},
	{
		sample{
			"new_session_ticket", func(w *Writer) { AppendNewSessionTicket12(w, 7200, sampleTicket) },
			func(b []byte) error { return new(NewSessionTicket12).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			var m NewSessionTicket12
			err := m.Parse(body)
			AppendNewSessionTicket12(w, m.LifetimeHint, m.Ticket)
			return err
		},
	},
	{
		sample{
			"server_hello_done", AppendServerHelloDone,
			func(b []byte) error { return new(ServerHelloDone).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			AppendServerHelloDone(w)
			return new(ServerHelloDone).Parse(body)
		},
	},
	{
		sample{
			"hello_request", AppendHelloRequest,
			func(b []byte) error { return new(HelloRequest).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			AppendHelloRequest(w)
			return new(HelloRequest).Parse(body)
		},
	},
	{
		sample{
			"finished", func(w *Writer) { AppendFinished(w, sampleBinder[:FinishedLen12]) },
			func(b []byte) error { return new(Finished12).Parse(b) }, never,
		},
		func(w *Writer, body []byte) error {
			var m Finished12
			err := m.Parse(body)
			AppendFinished(w, m.VerifyData)
			return err
		},
	},
}

// samples12 are the samples of codecs12, that of the ServerHello first.
var samples12 = func() (all []sample) {
	for _, c := range codecs12 {
		all = append(all, c.sample)
	}
	return all
}()

// More fields of samples, beside those of samples_test.go.
var (
	sampleTypes      = []uint8{RSASign, ECDSASign}
	sampleParams     = AppendServerECDHParams(nil, iana.Secp256r1, sampleShare)
	sampleParamsDH   = AppendServerDHParams(nil, sampleDER, []byte{2}, sampleDER[1:])
	sampleProtocol   = "h2"
	sampleVerifyData = bytes.Repeat([]byte{0x57}, 2*FinishedLen12)
)

func writeSampleServerHello12(w *Writer) {
	m := BeginServerHello(w, sampleRandom, sampleSession, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	x := w.Begin16()
	PutRenegotiationInfo(w, sampleVerifyData)
	PutExtendedMasterSecret(w)
	PutSessionTicket(w, nil)
	PutEmptyStatusRequest(w)
	PutServerNameAck(w)
	PutSelectedALPN(w, sampleProtocol)
	PutECPointFormats(w, 1, PointUncompressed)
	PutSCTList(w, sampleSCTs)
	PutMaxFragmentLength(w, 3)
	PutRecordSizeLimit(w, 1000)
	w.End(x)
	w.End(m)
}

func writeSampleCertificate12(w *Writer) {
	m := BeginCertificate12(w)
	PutCertificate12(w, sampleDER)
	PutCertificate12(w, sampleDER[1:])
	EndCertificate12(w, m)
}

func writeSampleServerECDHE(w *Writer) {
	AppendServerKeyExchange(w, sampleParams, iana.ECDSASecp256r1SHA256, sampleBinder)
}

func writeSampleServerDHE(w *Writer) {
	AppendServerKeyExchange(w, sampleParamsDH, iana.RSAPSSRSAESHA256, sampleTicket)
}

// rewriteServerHello12 takes a ServerHello of TLS 1.3, which is not its matter, as it is.
func rewriteServerHello12(w *Writer, body []byte) error {
	var m ServerHello
	if err := m.Parse(body, everything); err != nil {
		return err
	}
	if m.SupportedVersion == 0 {
		if err := m.Parse12(everything); err != nil {
			return err
		}
	}
	x := BeginServerHello(w, m.Random, m.SessionID, m.CipherSuite)
	w.B[4], w.B[5] = byte(m.LegacyVersion>>8), byte(m.LegacyVersion)
	w.B[len(w.B)-1] = m.CompressionMethod
	reencodeBlock(w, m.Extensions, func(kind iana.Extension) bool {
		return m.SupportedVersion == 0 && putServerHelloExtension12(w, &m, kind)
	})
	w.End(x)
	return nil
}

func putServerHelloExtension12(w *Writer, m *ServerHello, kind iana.Extension) bool {
	is := func(flag bool, put func(*Writer)) bool {
		if flag {
			put(w)
		}
		return true
	}
	switch kind {
	case iana.RenegotiationInfo:
		PutRenegotiationInfo(w, m.RenegotiationInfo)
	case iana.ExtendedMasterSecret:
		return is(m.ExtendedMasterSecret, PutExtendedMasterSecret)
	case iana.SessionTicket:
		return is(m.SessionTicket, func(w *Writer) { PutSessionTicket(w, nil) })
	case iana.StatusRequest:
		return is(m.StatusRequest, PutEmptyStatusRequest)
	case iana.ServerName:
		return is(m.ServerName, PutServerNameAck)
	case iana.ApplicationLayerProtocolNegotiation:
		PutSelectedALPN(w, string(m.ALPN))
	case iana.ECPointFormats:
		PutECPointFormats(w, m.ECPointFormats...)
	case iana.SignedCertificateTimestamp:
		PutSCTList(w, m.SCTList)
	case iana.MaxFragmentLength:
		PutMaxFragmentLength(w, m.MaxFragmentLength)
	case iana.RecordSizeLimit:
		PutRecordSizeLimit(w, m.RecordSizeLimit)
	default:
		return false
	}
	return true
}

func TestSamples12EncodeAgain(t *testing.T) {
	for _, c := range codecs12 {
		t.Run(c.name, func(t *testing.T) {
			msg := written(t, c.write)
			var w Writer
			if err := c.rewrite(&w, msg[4:]); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.B, msg) {
				t.Errorf("% x, want\n% x", w.B, msg)
			}
		})
	}
}

// FuzzMessages12 parses bodies as each of the messages that only TLS 1.2 has. What parses
// has one encoding; what does not has an alert.
func FuzzMessages12(f *testing.F) {
	for i, c := range codecs12 {
		f.Add(byte(i), written(f, c.write)[4:])
	}
	f.Fuzz(func(t *testing.T, i byte, body []byte) {
		c := codecs12[int(i)%len(codecs12)]
		var w Writer
		if err := c.rewrite(&w, body); err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Alert() == iana.CloseNotify || e.Alert() == iana.InternalError {
				t.Fatalf("%s: %v", c.name, err)
			}
			return
		}
		if err := w.Err(); err != nil || !bytes.Equal(w.B[4:], body) {
			t.Errorf("%s: % x, %v, want\n% x", c.name, w.B[4:], err, body)
		}
	})
}
