package main

import (
	"fmt"
	"io"
	"time"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// summarize tells people what a handshake has settled.
func summarize(w io.Writer, peer string, session *cli.Session) {
	s := session.Conn.State()
	fmt.Fprintf(w, "connected to %s (%s)\n", peer, session.Peer())
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-13s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("protocol", "%v, %v", s.Version, s.CipherSuite)
	retry := ""
	if s.HelloRetry {
		retry = ", after a HelloRetryRequest"
	}
	line("key exchange", "%v%s", s.Group, retry)
	if len(s.PeerCertificates) > 0 {
		verified := "not verified"
		if n := len(s.VerifiedChain); n > 0 {
			verified = fmt.Sprintf("verified up to %q", s.VerifiedChain[n-1].Subject)
		}
		line("server", "%q, %s", s.PeerCertificates[0].Subject, verified)
		line("signature", "%v", s.PeerScheme)
	}
	if s.ClientAuth {
		line("client", "%q, signature %v", s.Certificate.Leaf.Subject, s.Scheme)
	}
	switch {
	case s.Resumed:
		line("session", "resumed")
	case len(s.PSKIdentity) > 0:
		line("psk", "%q", s.PSKIdentity)
	}
	if s.EarlyData != conn.EarlyDataNotRequested {
		line("early data", "%s", earlyData(s.EarlyData))
	}
	if s.ALPN != "" {
		line("application", "%s", s.ALPN)
	}
	if len(s.OCSPResponse) > 0 {
		line("ocsp", "a response of %d bytes", len(s.OCSPResponse))
	}
	suspended := ""
	if s.ApplicationBlocked > 0 {
		suspended = ", suspended " + times(s.ApplicationBlocked)
	}
	line("handshake", "%v, %d bytes in, %d bytes out%s",
		session.Handshake.Round(time.Microsecond), s.WireIn, s.WireOut, suspended)
}

func earlyData(s conn.EarlyDataStatus) string {
	if s == conn.EarlyDataRejected {
		return "rejected, and sent again"
	}
	return "accepted"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
