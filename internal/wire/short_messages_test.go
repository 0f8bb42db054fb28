package wire

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestCertificateVerifyFields(t *testing.T) {
	var m CertificateVerify
	if err := m.Parse([]byte{8, 7, 0, 3, 1, 2, 3}); err != nil || m.Scheme != iana.Ed25519 || !bytes.Equal(m.Signature, []byte{1, 2, 3}) {
		t.Errorf("%+v, %v", m, err)
	}
	wantAlert(t, m.Parse([]byte{8, 7, 0, 3, 1, 2}), iana.DecodeError, "certificate_verify", "signature: 3 bytes wanted, 2 there")
}

func TestFinishedLength(t *testing.T) {
	var m Finished
	for n, ok := range map[int]bool{0: false, 1: true, 32: true, 48: true, 64: true, 65: false} {
		err := m.Parse(make([]byte, n))
		if !ok {
			wantAlert(t, err, iana.DecodeError, "finished", "verify_data: ")
		} else if err != nil || len(m.VerifyData) != n {
			t.Errorf("%d bytes: %d, %v", n, len(m.VerifyData), err)
		}
	}
}

func TestKeyUpdateValues(t *testing.T) {
	var m KeyUpdate
	if err := m.Parse([]byte{1}); err != nil || !m.RequestUpdate {
		t.Errorf("1: %+v, %v", m, err)
	}
	if err := m.Parse([]byte{0}); err != nil || m.RequestUpdate {
		t.Errorf("0: %+v, %v", m, err)
	}
	for _, v := range []byte{2, 0xff} {
		wantAlert(t, m.Parse([]byte{v}), iana.IllegalParameter, "key_update", "request_update: value ")
		if m.RequestUpdate {
			t.Errorf("%d asks for an update", v)
		}
	}
	for _, asks := range []bool{false, true} {
		if msg := written(t, func(w *Writer) { AppendKeyUpdate(w, asks) }); m.Parse(msg[4:]) != nil || m.RequestUpdate != asks {
			t.Errorf("%v is written as % x", asks, msg)
		}
	}
}

func TestNewSessionTicketFields(t *testing.T) {
	var m NewSessionTicket
	if err := m.Parse(written(t, writeSampleNewSessionTicket)[4:]); err != nil {
		t.Fatal(err)
	}
	if m.Lifetime != 7200 || m.AgeAdd != 0x01020304 || !bytes.Equal(m.Nonce, sampleBinder[:8]) || !bytes.Equal(m.Ticket, sampleTicket) ||
		m.MaxEarlyData != 16384 || !m.Has.Has(iana.EarlyData) {
		t.Errorf("%+v", m)
	}
	if err := m.Parse([]byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 9, 0, 0}); err != nil || m.MaxEarlyData != 0 || m.Has != 0 {
		t.Errorf("without early data: %+v, %v", m, err)
	}
}

func TestNewSessionTicketMalformed(t *testing.T) {
	head := []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 9}
	tests := []struct {
		name    string
		body    []byte
		alert   iana.Alert
		mention string
	}{
		{"an empty ticket", []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0}, iana.DecodeError, "ticket: empty"},
		{"no extension block", head, iana.DecodeError, "extensions: 2 bytes wanted"},
		{"an empty early_data", append(head, block(ext(iana.EarlyData))...), iana.DecodeError, "extension early_data: max_early_data_size: "},
		{"a long early_data", append(head, block(ext(iana.EarlyData, 1, 2, 3, 4, 5))...), iana.DecodeError, "extension early_data: 1 bytes left over"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantAlert(t, new(NewSessionTicket).Parse(test.body), test.alert, "new_session_ticket", test.mention)
		})
	}
}

func TestAlert(t *testing.T) {
	var w Writer
	AppendAlert(&w, Fatal, iana.DecodeError)
	AppendAlert(&w, Warning, iana.CloseNotify)
	if want := []byte{2, 50, 1, 0}; !bytes.Equal(w.B, want) {
		t.Errorf("% x, want % x", w.B, want)
	}
	var m Alert
	if err := m.Parse(w.B[:2]); err != nil || m.Level != Fatal || m.Description != iana.DecodeError {
		t.Errorf("%+v, %v", m, err)
	}
	wantAlert(t, m.Parse(nil), iana.DecodeError, "alert", "level: ")
	wantAlert(t, m.Parse(w.B[:1]), iana.DecodeError, "alert", "description: ")
	wantAlert(t, m.Parse(w.B[:3]), iana.DecodeError, "alert", "1 bytes left over")
	wantAlert(t, m.Parse([]byte{0, 0}), iana.IllegalParameter, "alert", "level: value 0")
	wantAlert(t, m.Parse([]byte{3, 0}), iana.IllegalParameter, "alert", "level: value 3")
}

func TestMaxLength(t *testing.T) {
	allowed := map[iana.Message]int{
		iana.ClientHello: 66560, iana.ServerHello: 16384, iana.EncryptedExtensions: 16384, iana.CertificateRequest: 66048,
		iana.Certificate: 131072, iana.CertificateVerify: 16384, iana.NewSessionTicket: 66560, iana.Finished: 64, iana.KeyUpdate: 1,
		iana.ServerKeyExchange: 16384, iana.ClientKeyExchange: 4096, iana.CertificateStatus: 65536,
	}
	for kind := range 256 {
		if n := MaxLength(iana.Message(kind)); n != allowed[iana.Message(kind)] {
			t.Errorf("%v: %d bytes, want %d", iana.Message(kind), n, allowed[iana.Message(kind)])
		}
	}
}
