// Package schedule is the key schedule of TLS 1.3, RFC 8446, Section 7.1: a type per stage, each
// consumed into the next, so that keys of a wrong stage cannot be named. That of TLS 1.2 has
// one stage, Master.
//
//	             0
//	             |
//	   PSK -> Extract = Early      New
//	             |       +--> binder keys, client early traffic, early exporter
//	             v
//	(EC)DHE -> Extract = Handshake Early.Handshake
//	             |       +--> client and server handshake traffic
//	             v
//	     0 -> Extract = Main       Handshake.Main
//	                     +--> client and server application traffic, exporter, resumption
//
// Nothing here allocates; a transcript hash is that of the messages named in the comment of
// the function that takes it. A stage is a secret: it is cleared when the next one is
// made of it, or by Clear, and using it after that is a panic.
package schedule

import (
	"crypto"

	"github.com/s2ngo/s2ngo/internal/kdf"
)

// redacted keeps what embeds it from being printed. The name is the field's, which stays ours.
type redacted = kdf.Redacted

// Early is the stage of the Early Secret.
type Early struct {
	redacted
	secret Secret
	plain  bool // no PSK: the secret, and what Handshake derives from it, are constants
}

// Handshake is the stage of the Handshake Secret.
type Handshake struct {
	redacted
	secret Secret
}

// Main is the stage of the Master Secret.
type Main struct {
	redacted
	secret Secret
}

// fixed is what does not depend on the handshake.
type fixed struct {
	empty   [kdf.MaxSize]byte // Transcript-Hash("")
	early   Secret            // HKDF-Extract(0, 0)
	derived Secret            // Derive-Secret(early, "derived", "")
}

var (
	fixed256 = makeFixed(crypto.SHA256)
	fixed384 = makeFixed(crypto.SHA384)
	zeros    [kdf.MaxSize]byte
)

func makeFixed(h crypto.Hash) *fixed {
	f := &fixed{early: Secret{hash: h}}
	kdf.Sum(h, f.empty[:h.Size()], nil)
	kdf.Extract(h, f.early.Bytes(), nil, zeros[:h.Size()])
	f.derived = f.early.expand("derived", f.empty[:h.Size()])
	return f
}

func fixedOf(h crypto.Hash) *fixed {
	if h == crypto.SHA384 {
		return fixed384
	}
	return fixed256
}

// New begins the schedule of a suite with hash h, SHA-256 or SHA-384. psk is nil where there is
// none.
//
//	Early Secret = HKDF-Extract(0, PSK)
func New(h crypto.Hash, psk []byte) Early {
	if psk == nil {
		return Early{secret: fixedOf(h).early, plain: true}
	}
	e := Early{secret: Secret{hash: h}}
	kdf.Extract(h, e.secret.Bytes(), nil, psk)
	return e
}

// ExternalBinderKey returns the key whose Finished is the binder of a PSK provisioned outside of
// TLS.
//
//	binder_key = Derive-Secret(., "ext binder", "")
func (e *Early) ExternalBinderKey() Secret { return e.secret.deriveEmpty("ext binder") }

// ResumptionBinderKey returns the key whose Finished is the binder of a ticket's PSK.
//
//	binder_key = Derive-Secret(., "res binder", "")
func (e *Early) ResumptionBinderKey() Secret { return e.secret.deriveEmpty("res binder") }

// ClientTraffic returns the secret of early data.
//
//	client_early_traffic_secret = Derive-Secret(., "c e traffic", ClientHello)
func (e *Early) ClientTraffic(transcriptHash []byte) Secret {
	return e.secret.expand("c e traffic", transcriptHash)
}

// Exporter returns the secret for Export in early data.
//
//	early_exporter_master_secret = Derive-Secret(., "e exp master", ClientHello)
func (e *Early) Exporter(transcriptHash []byte) Secret {
	return e.secret.expand("e exp master", transcriptHash)
}

// Handshake consumes e. shared is the (EC)DHE secret, nil in a handshake with a PSK alone; it
// stays the caller's to clear.
//
//	Handshake Secret = HKDF-Extract(Derive-Secret(., "derived", ""), (EC)DHE)
func (e *Early) Handshake(shared []byte) Handshake {
	if e.plain {
		salt := fixedOf(e.secret.hash).derived
		e.Clear()
		return Handshake{secret: salt.extract(shared)}
	}
	return Handshake{secret: e.secret.next(shared)}
}

// Clear wipes e.
func (e *Early) Clear() {
	e.secret.Clear()
	e.plain = false
}

// Traffic returns the secrets of the encrypted part of the handshake.
//
//	client_handshake_traffic_secret = Derive-Secret(., "c hs traffic", ClientHello...ServerHello)
//	server_handshake_traffic_secret = Derive-Secret(., "s hs traffic", ClientHello...ServerHello)
func (hs *Handshake) Traffic(transcriptHash []byte) (client, server Secret) {
	return hs.secret.expandPair("c hs traffic", "s hs traffic", transcriptHash)
}

// Main consumes hs.
//
//	Master Secret = HKDF-Extract(Derive-Secret(., "derived", ""), 0)
func (hs *Handshake) Main() Main { return Main{secret: hs.secret.next(nil)} }

// Clear wipes hs.
func (hs *Handshake) Clear() { hs.secret.Clear() }

// Traffic returns the first secrets of application data.
//
//	client_application_traffic_secret_0 = Derive-Secret(., "c ap traffic", ClientHello...server Finished)
//	server_application_traffic_secret_0 = Derive-Secret(., "s ap traffic", ClientHello...server Finished)
func (m *Main) Traffic(transcriptHash []byte) (client, server Secret) {
	return m.secret.expandPair("c ap traffic", "s ap traffic", transcriptHash)
}

// Exporter returns the secret for Export. It is asked for only where somebody may export.
//
//	exporter_master_secret = Derive-Secret(., "exp master", ClientHello...server Finished)
func (m *Main) Exporter(transcriptHash []byte) Secret {
	return m.secret.expand("exp master", transcriptHash)
}

// Resumption returns the secret for TicketPSK. It is asked for only where tickets are.
//
//	resumption_master_secret = Derive-Secret(., "res master", ClientHello...client Finished)
func (m *Main) Resumption(transcriptHash []byte) Secret {
	return m.secret.expand("res master", transcriptHash)
}

// Clear wipes m. The schedule ends here.
func (m *Main) Clear() { m.secret.Clear() }

// deriveEmpty returns Derive-Secret(s, label, "").
func (s *Secret) deriveEmpty(label string) Secret {
	return s.expand(label, fixedOf(s.hash).empty[:s.hash.Size()])
}

// next consumes s, a stage's secret, and returns the next stage's with input ikm.
func (s *Secret) next(ikm []byte) Secret {
	salt := s.deriveEmpty("derived")
	s.Clear()
	return salt.extract(ikm)
}

// extract consumes s and returns HKDF-Extract(s, ikm), where an ikm of nil is h.Size() zeros.
func (s *Secret) extract(ikm []byte) Secret {
	if ikm == nil {
		ikm = zeros[:s.hash.Size()]
	}
	stage := Secret{hash: s.hash}
	kdf.Extract(s.hash, stage.Bytes(), s.Bytes(), ikm)
	s.Clear()
	return stage
}
