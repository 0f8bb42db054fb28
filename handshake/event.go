package handshake

import (
	"fmt"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
)

// Epoch is a stage of protection. Messages of different epochs never share a record.
type Epoch uint8

// The epochs (RFC 8446, Section 7.1). TLS 1.2 has no Handshake: its Finished is the first
// message of Application. Early protects the client's early data, and its EndOfEarlyData.
const (
	Initial Epoch = iota
	Handshake
	Application
	Early
)

// String returns the epoch's name in lower case.
func (e Epoch) String() string {
	switch e {
	case Initial:
		return "initial"
	case Handshake:
		return "handshake"
	case Application:
		return "application"
	case Early:
		return "early"
	}
	return fmt.Sprintf("Epoch(%d)", uint8(e))
}

// Secret is a traffic secret: the record layer derives its key and IV from it. It prints
// as "secret".
type Secret = schedule.Secret

// EventKind is what the driver of a Machine has to do.
type EventKind uint8

// The kinds of Event, with the fields that each uses.
const (
	// Write: seal Data, whole handshake messages, under the current write key. The
	// record ends with the event.
	Write EventKind = iota + 1
	// WriteChangeCipherSpec: send the one-byte record that announces a key in TLS 1.2 (RFC
	// 5246, Section 7.1), and is a dummy in TLS 1.3 (RFC 8446, Appendix D.4).
	WriteChangeCipherSpec
	// SetVersion: Version is negotiated. In TLS 1.2 a change_cipher_spec of the peer goes to
	// ChangeCipherSpec from here on, until Done.
	SetVersion
	// HelloRequested: the server asks for another handshake (RFC 5246, Section 7.4.1.1).
	HelloRequested
	// SetWriteKey and SetReadKey: what follows in this direction is protected by Suite,
	// from sequence number 0; Epoch says which keys they are. In TLS 1.3 they come from
	// Secret, which the driver may consume; in TLS 1.2 Data holds MAC key, key and IV, one behind the other (RFC 5246,
	// Section 6.3). A write key of the Initial epoch is none: early data was in vain.
	SetWriteKey
	SetReadKey
	// UpdateWriteKey: the peer asks for a KeyUpdate in return: send one and move the
	// write key on (RFC 8446, Section 4.6.3).
	UpdateWriteKey
	// SkipEarlyData: the client sends early data that is not wanted. In the Initial epoch
	// it is known by its record type, in the Handshake epoch by its failing to open. Limit is
	// how many bytes may be passed over.
	SkipEarlyData
	// Ticket: the server gave a client a session for later. Detail *session.Session, the
	// driver's to keep.
	Ticket
	// Ask: call the application's hook for Question with Detail and Op.
	Ask
	// KeyLog: a line of the NSS key log, Label and Secret.
	KeyLog
	// Done: the handshake is complete; Result is filled in.
	Done
)

// String returns the kind's name.
func (k EventKind) String() string {
	names := [...]string{"", "Write", "WriteChangeCipherSpec", "SetVersion", "HelloRequested", "SetWriteKey", "SetReadKey", "UpdateWriteKey", "SkipEarlyData", "Ticket", "Ask", "KeyLog", "Done"}
	if int(k) < len(names) && k > 0 {
		return names[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// Event is one thing to do. Its Data is lent until the next Advance or Idle.
type Event struct {
	Kind     EventKind
	Epoch    Epoch
	Version  iana.Version
	Suite    iana.CipherSuite
	Question Question
	Data     []byte
	Secret   Secret
	Master   []byte // of a KeyLog in TLS 1.2
	Label    string
	Limit    int
	Detail   any // of the Question, or of the Kind: see its constant
	Op       Op  // of the Question: see its constant
}

// Op is the asking side of any question's operation.
type Op interface{ Pending() *async.Pending }

// Question is what a Machine can ask its application. Config.Asks says which questions
// have a taker: one without makes no operation and no state.
type Question uint8

// The questions, each with the type of Event.Detail and of Event.Op.
const (
	// AskConfig: which configuration answers this ClientHello? Detail *ReceivedHello,
	// Op *async.Op[*Config].
	AskConfig Question = iota
	// AskPrivateKey: sign with the key of our certificate. Op *asyncpkey.Op.
	AskPrivateKey
	// AskVerifySignature: does the peer's signature verify? Detail *SignatureCheck, Op
	// *async.Op[Verdict].
	AskVerifySignature
	// AskRevocationLists: which CRLs bear on this chain? Detail *PeerChain, Op
	// *async.Op[[]*x509.RevocationList].
	AskRevocationLists
	// AskVerdict: is the peer's chain, which has passed our own checks, welcome? Detail
	// *PeerChain, Op *async.Op[Verdict].
	AskVerdict
	// AskOCSPResponse: the OCSP response to staple. Detail *certs.Certificate, Op
	// *async.Op[[]byte].
	AskOCSPResponse
	// AskClientCertificate: the certificate to answer a request with. Detail
	// *CertificateRequest, Op *async.Op[*certs.Certificate].
	AskClientCertificate
	// AskSession: what is stored under this ID? An answer of nil, and a failure, mean that
	// nothing is: the handshake is a full one. Detail *SessionLookup, Op *async.Op[[]byte].
	AskSession
	// AskStoreSession: store this, which is wiped after the answer. A failure means that it is not
	// stored, and the peer gets no ticket. Detail *SessionEntry, Op *async.Op[struct{}].
	AskStoreSession
	// AskTakeSession: delete what is stored under this ID; was it there until now? One of
	// many that ask gets true. A failure is false. Detail *SessionLookup, Op *async.Op[bool].
	AskTakeSession
	// AskTicket: what did AskSealTicket seal into this ticket? An answer of nil, and a
	// failure, mean that it is not ours. Detail []byte, Op *async.Op[[]byte].
	AskTicket
	// AskSealTicket: make a ticket of this state, which is wiped after the answer, of 33 to 65535
	// bytes. An answer of nil, and a failure, mean that there is none. Detail []byte, Op
	// *async.Op[[]byte].
	AskSealTicket
	// AskPSK: which external PSK answers this ClientHello? An answer of nil, and a failure,
	// mean none. Detail *OfferedPSKs, Op *async.Op[*PSK].
	AskPSK
	// AskEarlyData: is this early data welcome? Detail *OfferedEarlyData, Op
	// *async.Op[bool].
	AskEarlyData
	// AskReplay: is this the first time that this is seen? A failure is false. Detail
	// *ReplayEntry, Op *async.Op[bool].
	AskReplay
)

// String returns what is asked for, in words that fit into a sentence.
func (q Question) String() string {
	names := [...]string{"configuration", "private key", "signature verification", "revocation lists", "certificate verdict", "OCSP response", "client certificate",
		"session lookup", "session store", "session removal", "ticket opening", "ticket sealing", "PSK", "early data decision", "replay check"}
	if int(q) < len(names) {
		return names[q]
	}
	return fmt.Sprintf("Question(%d)", uint8(q))
}

// mayFail reports whether the handshake goes on without an answer to q, as if the zero
// value had come: a store that is down costs a full handshake.
func (q Question) mayFail() bool {
	switch q {
	case AskSession, AskStoreSession, AskTakeSession, AskTicket, AskSealTicket, AskPSK, AskReplay:
		return true
	}
	return false
}

// Questions is a set of questions.
type Questions uint32

// Has reports whether q is in the set.
func (s Questions) Has(q Question) bool { return s>>q&1 == 1 }

// With returns the set with q in it.
func (s Questions) With(q Question) Questions { return s | 1<<q }
