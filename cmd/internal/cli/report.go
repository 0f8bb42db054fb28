package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// Report is the line of JSON that tells of one connection. What was not negotiated is
// absent.
type Report struct {
	Role                string  `json:"role"`
	Version             string  `json:"version,omitempty"`
	CipherSuite         string  `json:"cipher_suite,omitempty"`
	Group               string  `json:"group,omitempty"`
	SignatureScheme     string  `json:"signature_scheme,omitempty"` // of our own signature
	PeerSignatureScheme string  `json:"peer_signature_scheme"`
	ServerName          string  `json:"server_name,omitempty"`
	ALPN                string  `json:"alpn,omitempty"`
	Resumed             bool    `json:"resumed"`
	PSK                 string  `json:"psk"`
	EarlyData           string  `json:"early_data,omitempty"`
	HelloRetry          bool    `json:"hrr"`
	ClientAuth          bool    `json:"client_auth"`
	Policy              string  `json:"policy"`
	EMS                 bool    `json:"ems"` // TLS 1.3 has no other kind of master secret
	Blocked             Blocked `json:"blocked"`
	HandshakeMicros     int64   `json:"handshake_us"`
	WireIn              uint64  `json:"wire_in"`
	WireOut             uint64  `json:"wire_out"`
	AppIn               uint64  `json:"app_in"`
	AppOut              uint64  `json:"app_out"`
	Error               string  `json:"error"`
	ErrorKind           string  `json:"error_kind"`
	Alert               string  `json:"alert"`
	AlertSent           bool    `json:"alert_sent"`
}

// Blocked counts the returns of each status by Negotiate.
type Blocked struct {
	Read        int `json:"read"`
	Write       int `json:"write"`
	Application int `json:"application"`
}

// NewReport tells of a connection's state, how long its handshake took, until its end or
// its failure, and what went wrong, if anything did.
func NewReport(role string, s *conn.State, handshake time.Duration, err error) Report {
	r := Report{
		Role: role, ServerName: s.ServerName, ALPN: s.ALPN, HelloRetry: s.HelloRetry, ClientAuth: s.ClientAuth,
		Policy: s.Policy, EMS: s.ExtendedMasterSecret,
		Blocked:         Blocked{s.ReadBlocked, s.WriteBlocked, s.ApplicationBlocked},
		HandshakeMicros: handshake.Microseconds(),
		WireIn:          s.WireIn, WireOut: s.WireOut, AppIn: s.AppIn, AppOut: s.AppOut,
	}
	if s.Version != 0 {
		r.Version = s.Version.String()
	}
	if s.CipherSuite != 0 {
		r.CipherSuite = s.CipherSuite.String()
	}
	if s.Group != 0 {
		r.Group = s.Group.String()
	}
	if s.Scheme != 0 {
		r.SignatureScheme = s.Scheme.String()
	}
	if s.PeerScheme != 0 {
		r.PeerSignatureScheme = s.PeerScheme.String()
	}
	r.Resumed = s.Resumed
	if !s.Resumed {
		r.PSK = string(s.PSKIdentity)
	}
	switch s.EarlyData {
	case conn.EarlyDataOK, conn.EarlyDataEnd:
		r.EarlyData = "accepted"
	case conn.EarlyDataRejected:
		r.EarlyData = "rejected"
	}
	if err == nil {
		return r
	}
	r.Error, r.ErrorKind = err.Error(), kindOf(err)
	var alert *conn.AlertError
	if errors.As(err, &alert) {
		r.Alert, r.AlertSent = alert.Alert.String(), alert.Sent
	}
	return r
}

// kindOf names the kind of a connection's error.
func kindOf(err error) string {
	var outermost *conn.Error // the error of a hook may bring another connection's
	if errors.As(err, &outermost) {
		err = outermost.Kind
	}
	for _, k := range []struct {
		kind error
		name string
	}{
		{conn.ErrIO, "io"}, {conn.ErrClosed, "closed"}, {conn.ErrAlert, "alert"},
		{conn.ErrProtocol, "protocol"}, {conn.ErrInternal, "internal"}, {conn.ErrUsage, "usage"},
	} {
		if errors.Is(err, k.kind) {
			return k.name
		}
	}
	var file *fs.PathError
	var call *os.SyscallError
	if errors.As(err, &file) || errors.As(err, &call) {
		return "io"
	}
	return "internal"
}

// Line returns the report as one line.
func (r *Report) Line() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(r) // strings, numbers and booleans cannot fail
	return b.Bytes()
}
