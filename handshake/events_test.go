package handshake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// ladder says in one line what a side did, in order.
func (s *side) ladder() string {
	var steps []string
	for _, e := range s.log {
		switch e.Kind {
		case Write:
			var names []string
			for _, msg := range messages(e.Data) {
				names = append(names, iana.Message(msg[0]).String())
			}
			steps = append(steps, fmt.Sprintf("%v{%s}", e.Epoch, strings.Join(names, " ")))
		case WriteChangeCipherSpec:
			steps = append(steps, "ccs")
		case SetReadKey:
			steps = append(steps, "read "+e.Epoch.String())
		case SetWriteKey:
			steps = append(steps, "write "+e.Epoch.String())
		case SetVersion:
			steps = append(steps, e.Version.String())
		case SkipEarlyData:
			steps = append(steps, "skip "+e.Epoch.String())
		case Ask:
			steps = append(steps, "ask "+e.Question.String())
		default:
			steps = append(steps, e.Kind.String())
		}
	}
	return strings.Join(steps, ", ")
}

// TestEvents holds the order in which a driver has to do things: where records end and keys change,
// where the dummy change_cipher_spec of middlebox compatibility mode goes (RFC 8446, Appendix
// D.4), and that nothing waits to be sent while the application is asked.
func TestEvents(t *testing.T) {
	for _, c := range []struct {
		scenario
		compatible     bool // the client; the server is compatible with clients that are not
		client, server string
	}{
		{plain, true,
			"initial{client_hello}, TLSv1.3, read handshake, ccs, write handshake, read application, " +
				"handshake{finished}, write application, Done",
			"TLSv1.3, initial{server_hello}, ccs, write handshake, handshake{encrypted_extensions certificate}, " +
				"read handshake, handshake{certificate_verify finished}, write application, read application, Done"},
		{plain, false,
			"initial{client_hello}, TLSv1.3, read handshake, write handshake, read application, " +
				"handshake{finished}, write application, Done",
			"TLSv1.3, initial{server_hello}, ccs, write handshake, handshake{encrypted_extensions certificate}, " +
				"read handshake, handshake{certificate_verify finished}, write application, read application, Done"},
		{scenario{kind: tls13Retry}, true,
			"initial{client_hello}, TLSv1.3, ccs, initial{client_hello}, read handshake, write handshake, " +
				"read application, handshake{finished}, write application, Done",
			"TLSv1.3, initial{server_hello}, ccs, initial{server_hello}, write handshake, " +
				"handshake{encrypted_extensions certificate}, read handshake, " +
				"handshake{certificate_verify finished}, write application, read application, Done"},
		{scenario{kind: tls13Retry}, false,
			"initial{client_hello}, TLSv1.3, initial{client_hello}, read handshake, write handshake, " +
				"read application, handshake{finished}, write application, Done",
			"TLSv1.3, initial{server_hello}, ccs, initial{server_hello}, write handshake, " +
				"handshake{encrypted_extensions certificate}, read handshake, " +
				"handshake{certificate_verify finished}, write application, read application, Done"},
		{everything(tls13), true,
			"initial{client_hello}, TLSv1.3, read handshake, ccs, write handshake, ask revocation lists, " +
				"ask certificate verdict, ask signature verification, read application, ask client certificate, ask OCSP response, " +
				"handshake{certificate}, ask private key, handshake{certificate_verify finished}, write application, " +
				"Done",
			"ask configuration, TLSv1.3, initial{server_hello}, ccs, write handshake, " +
				"handshake{encrypted_extensions certificate_request}, ask OCSP response, handshake{certificate}, " +
				"ask private key, read handshake, handshake{certificate_verify finished}, write application, " +
				"ask revocation lists, ask certificate verdict, ask signature verification, read application, Done"},
		{scenario{kind: tls12}, true,
			"initial{client_hello}, TLSv1.2, initial{client_key_exchange}, ccs, write application, " +
				"application{finished}, read application, Done",
			"TLSv1.2, initial{server_hello certificate}, initial{server_key_exchange server_hello_done}, " +
				"read application, ccs, write application, application{finished}, Done"},
		{everything(tls12), true,
			"initial{client_hello}, TLSv1.2, ask revocation lists, ask certificate verdict, " +
				"ask signature verification, ask client certificate, initial{certificate client_key_exchange}, " +
				"ask private key, initial{certificate_verify}, ccs, write application, application{finished}, " +
				"read application, Done",
			"ask configuration, TLSv1.2, ask OCSP response, " +
				"initial{server_hello certificate certificate_status}, ask private key, " +
				"initial{server_key_exchange certificate_request server_hello_done}, ask revocation lists, " +
				"ask certificate verdict, ask signature verification, read application, ccs, write application, " +
				"application{finished}, Done"},
		{everything(tls12RSA), true,
			"initial{client_hello}, TLSv1.2, ask revocation lists, ask certificate verdict, " +
				"ask client certificate, initial{certificate client_key_exchange}, ask private key, " +
				"initial{certificate_verify}, ccs, write application, application{finished}, read application, Done",
			"ask configuration, TLSv1.2, ask OCSP response, " +
				"initial{server_hello certificate certificate_status certificate_request server_hello_done}, " +
				"ask revocation lists, ask certificate verdict, ask private key, ask signature verification, " +
				"read application, ccs, write application, application{finished}, Done"},
		{scenario{kind: tls12Given}, true,
			"initial{client_hello}, TLSv1.2, initial{client_key_exchange}, ccs, write application, " +
				"application{finished}, read application, Ticket, Done",
			"TLSv1.2, initial{server_hello certificate}, initial{server_key_exchange server_hello_done}, " +
				"read application, initial{new_session_ticket}, ccs, write application, application{finished}, Done"},
		{scenario{kind: tls12Stored}, true,
			"initial{client_hello}, TLSv1.2, initial{client_key_exchange}, ccs, write application, " +
				"application{finished}, read application, Ticket, Done",
			"TLSv1.2, ask session lookup, initial{server_hello certificate}, " +
				"initial{server_key_exchange server_hello_done}, read application, ask session store, ccs, write application, application{finished}, Done"},
		{scenario{kind: tls12Resumed}, true,
			"initial{client_hello}, TLSv1.2, read application, ccs, write application, application{finished}, Done",
			"TLSv1.2, initial{server_hello}, ccs, write application, application{finished}, read application, Done"},
		{everything(tls12Renewed), true,
			"initial{client_hello}, TLSv1.2, ask certificate verdict, read application, ccs, write application, " +
				"application{finished}, Ticket, Done",
			"ask configuration, TLSv1.2, ask ticket opening, ask certificate verdict, initial{server_hello}, " +
				"ask ticket sealing, initial{new_session_ticket}, ccs, write application, application{finished}, " +
				"read application, Done"},
		{everything(tls12ByID), true,
			"initial{client_hello}, TLSv1.2, ask revocation lists, ask certificate verdict, read application, ccs, write application, " +
				"application{finished}, Done",
			"ask configuration, TLSv1.2, ask session lookup, ask revocation lists, ask certificate verdict, initial{server_hello}, ccs, " +
				"write application, application{finished}, read application, Done"},
	} {
		t.Run(fmt.Sprint(c.scenario, ", compatible ", c.compatible), func(t *testing.T) {
			r := c.start(t)
			defer r.close()
			cfg := *r.client.cfg
			cfg.NoCompatibility = !c.compatible
			r.client.cfg, r.post = &cfg, nil
			r.finish()
			if got := r.client.ladder(); got != c.client {
				t.Errorf("the client's events are\n%s\nwant\n%s", got, c.client)
			}
			if got := r.server.ladder(); got != c.server {
				t.Errorf("the server's events are\n%s\nwant\n%s", got, c.server)
			}
		})
	}
}

// TestHalfRTT holds from when on a server may send data before the client's Finished: not while it
// waits for a certificate.
func TestHalfRTT(t *testing.T) {
	for _, c := range []struct {
		scenario
		half map[string]bool // by state
	}{
		{plain, map[string]bool{"expectClientHello": false, "expectClientFinished": true, "connected13": true}},
		{scenario{kind: tls13, auth: OptionalClientAuth}, map[string]bool{
			"expectClientHello": false, "expectClientCertificate": false, "expectClientFinished": true, "connected13": true}},
		{scenario{kind: tls13, auth: RequireClientAuth, certificate: true}, map[string]bool{
			"expectClientHello": false, "expectClientCertificate": false, "expectCertificateVerify": false,
			"expectClientFinished": false, "connected13": true}},
		{scenario{kind: tls12}, map[string]bool{"expectClientHello": false, "expectClientKeyExchange": false,
			"expectChangeCipherSpec": false, "expectFinished12": false, "connected12": true}},
	} {
		r := c.start(t)
		seen := 0
		for more := true; more; more = r.step() {
			if want, ok := c.half[r.server.stateName()]; !ok || want != r.server.Result.HalfRTT {
				t.Errorf("%v: in %s HalfRTT is %v", c.scenario, r.server.stateName(), r.server.Result.HalfRTT)
			}
			seen++
		}
		if seen < len(c.half) {
			t.Errorf("%v: %d steps", c.scenario, seen)
		}
		r.close()
	}
}
