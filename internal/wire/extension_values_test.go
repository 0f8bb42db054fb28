package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// The contents of extensions of a ClientHello, most of them wrong in one way.
func TestClientHelloExtensionValues(t *testing.T) {
	const ok = iana.CloseNotify // stands for no alert
	pskIdentity := "\x00\x01i\x00\x00\x00\x00"
	binder := "\x20" + strings.Repeat("b", 32)
	tests := []struct {
		name      string
		extension iana.Extension
		data      string
		alert     iana.Alert
		mention   string
	}{
		{"a host name", iana.ServerName, "\x00\x04\x00\x00\x01a", ok, ""},
		{"a host name beside a name of another type", iana.ServerName, "\x00\x09\x07\x00\x02xy\x00\x00\x01a", ok, ""},
		{"a name of another type alone", iana.ServerName, "\x00\x04\x07\x00\x01x", ok, ""},
		{"no contents of server_name", iana.ServerName, "", iana.DecodeError, "server_name_list: 2 bytes wanted"},
		{"no server name in the list", iana.ServerName, "\x00\x00", iana.DecodeError, "server_name_list: empty"},
		{"an empty host name", iana.ServerName, "\x00\x03\x00\x00\x00", iana.DecodeError, "server_name_list: empty"},
		{"two host names", iana.ServerName, "\x00\x08\x00\x00\x01a\x00\x00\x01b", iana.IllegalParameter, "two host names"},
		{"a host name with a zero byte", iana.ServerName, "\x00\x06\x00\x00\x03a\x00b", iana.IllegalParameter, "visible ASCII"},
		{"a host name with an escape", iana.ServerName, "\x00\x06\x00\x00\x03a\x1bb", iana.IllegalParameter, "visible ASCII"},
		{"a host name with a space", iana.ServerName, "\x00\x06\x00\x00\x03a b", iana.IllegalParameter, "visible ASCII"},
		{"a host name in UTF-8", iana.ServerName, "\x00\x05\x00\x00\x02\xc4\x85", iana.IllegalParameter, "visible ASCII"},
		{"a host name that is no UTF-8 either", iana.ServerName, "\x00\x05\x00\x00\x02a\xff", iana.IllegalParameter, "visible ASCII"},
		{"an underscore and an address, which clients send", iana.ServerName, "\x00\x0d\x00\x00\x0a_a.[::1]:9", ok, ""},
		{"a host name that is cut off", iana.ServerName, "\x00\x04\x00\x00\x02a", iana.DecodeError, "server_name_list: 2 bytes wanted, 1 there"},

		{"no versions", iana.SupportedVersions, "\x00", iana.DecodeError, "versions: 0 bytes"},
		{"one and a half versions", iana.SupportedVersions, "\x03\x03\x04\x03", iana.DecodeError, "versions: 3 bytes"},
		{"GREASE among the versions", iana.SupportedVersions, "\x04\x1a\x1a\x03\x04", ok, ""},

		{"no groups", iana.SupportedGroups, "\x00\x00", iana.DecodeError, "named_group_list: 0 bytes"},
		{"half a group", iana.SupportedGroups, "\x00\x01\x00", iana.DecodeError, "named_group_list: 1 bytes"},
		{"no signature algorithms", iana.SignatureAlgorithms, "\x00\x00", iana.DecodeError, "supported_signature_algorithms: 0 bytes"},
		{"half a signature algorithm", iana.SignatureAlgorithms, "\x00\x01\x08", iana.DecodeError, "supported_signature_algorithms: 1 bytes"},
		{"no signature algorithms for certificates", iana.SignatureAlgorithmsCert, "\x00\x00", iana.DecodeError, "supported_signature_algorithms: 0 bytes"},

		{"no key shares", iana.KeyShare, "\x00\x00", ok, ""},
		{"a key share", iana.KeyShare, "\x00\x05\x00\x1d\x00\x01k", ok, ""},
		{"an empty key share", iana.KeyShare, "\x00\x04\x00\x1d\x00\x00", iana.DecodeError, "client_shares: empty"},
		{"a key share that is cut off", iana.KeyShare, "\x00\x05\x00\x1d\x00\x02k", iana.DecodeError, "client_shares: 2 bytes wanted, 1 there"},
		{"a group that is cut off", iana.KeyShare, "\x00\x01\x00", iana.DecodeError, "client_shares: 2 bytes wanted, 1 there"},
		{"two key shares of a group", iana.KeyShare, "\x00\x0f\x00\x1d\x00\x01k\x00\x17\x00\x01k\x00\x1d\x00\x01l", iana.IllegalParameter, "client_shares: group x25519 twice"},
		{"10000 key shares", iana.KeyShare, shares(10000), ok, ""},
		{"the last of 10001 key shares twice", iana.KeyShare, twice(shares(10000)), iana.IllegalParameter, "client_shares: group 0x370f twice"},

		{"no protocol names", iana.ApplicationLayerProtocolNegotiation, "\x00\x00", iana.DecodeError, "protocol_name_list: empty"},
		{"an empty protocol name", iana.ApplicationLayerProtocolNegotiation, "\x00\x04\x02h2\x00", iana.DecodeError, "protocol_name_list: empty"},
		{"a protocol name that is cut off", iana.ApplicationLayerProtocolNegotiation, "\x00\x03\x03h2", iana.DecodeError, "protocol_name_list: 3 bytes wanted, 2 there"},

		{"no PSK modes", iana.PSKKeyExchangeModes, "\x00", iana.DecodeError, "ke_modes: empty"},
		{"an unknown PSK mode", iana.PSKKeyExchangeModes, "\x02\x01\x0b", ok, ""},

		{"a PSK", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x21" + binder, ok, ""},
		{"no PSK identities", iana.PreSharedKey, "\x00\x00\x00\x21" + binder, iana.DecodeError, "identities: empty"},
		{"no PSK binders", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x00", iana.DecodeError, "binders: empty"},
		{"an empty PSK identity", iana.PreSharedKey, "\x00\x06\x00\x00\x00\x00\x00\x00\x00\x21" + binder, iana.DecodeError, "identities: empty"},
		{"a PSK identity without its age", iana.PreSharedKey, "\x00\x03\x00\x01i\x00\x21" + binder, iana.DecodeError, "identities: 4 bytes wanted, 0 there"},
		{"a PSK binder of 12 bytes, as TLS 1.2 would make it", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x0d\x0c" + binder[21:], ok, ""},
		{"an empty PSK binder", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x01\x00", iana.DecodeError, "binders: empty"},
		{"a PSK binder that is cut off", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x20" + binder[:32], iana.DecodeError, "binders: 32 bytes wanted, 31 there"},
		{"one identity, two binders", iana.PreSharedKey, "\x00\x07" + pskIdentity + "\x00\x42" + binder + binder, iana.IllegalParameter, "binders: 2 for 1 identities"},
		{"two identities, one binder", iana.PreSharedKey, "\x00\x0e" + pskIdentity + pskIdentity + "\x00\x21" + binder, iana.IllegalParameter, "binders: 1 for 2 identities"},

		{"contents in early_data", iana.EarlyData, "\x00", iana.DecodeError, "1 bytes left over"},
		{"an empty cookie", iana.Cookie, "\x00\x00", iana.DecodeError, "cookie: empty"},

		{"OCSP with responders and extensions", iana.StatusRequest, "\x01\x00\x05\x00\x03abc\x00\x02xy", ok, ""},
		{"a status request of another type", iana.StatusRequest, "\x02whatever", ok, ""},
		{"an empty status request", iana.StatusRequest, "", iana.DecodeError, "status_type: 1 bytes wanted"},
		{"OCSP with an empty responder", iana.StatusRequest, "\x01\x00\x02\x00\x00\x00\x00", iana.DecodeError, "responder_id_list: empty"},
		{"OCSP with a responder that is cut off", iana.StatusRequest, "\x01\x00\x03\x00\x02a\x00\x00", iana.DecodeError, "responder_id_list: 2 bytes wanted"},
		{"OCSP without extensions", iana.StatusRequest, "\x01\x00\x00", iana.DecodeError, "request_extensions: 2 bytes wanted"},
		{"contents in signed_certificate_timestamp", iana.SignedCertificateTimestamp, "\x00\x00", iana.DecodeError, "2 bytes left over"},

		{"no certificate authorities", iana.CertificateAuthorities, "\x00\x00", iana.DecodeError, "authorities: empty"},
		{"an empty name of an authority", iana.CertificateAuthorities, "\x00\x05\x00\x01a\x00\x00", iana.DecodeError, "authorities: empty"},

		{"max_fragment_length 1", iana.MaxFragmentLength, "\x01", ok, ""},
		{"max_fragment_length 4", iana.MaxFragmentLength, "\x04", ok, ""},
		{"max_fragment_length 0", iana.MaxFragmentLength, "\x00", iana.IllegalParameter, "code 0"},
		{"max_fragment_length 5", iana.MaxFragmentLength, "\x05", iana.IllegalParameter, "code 5"},
		{"record_size_limit 64", iana.RecordSizeLimit, "\x00\x40", ok, ""},
		{"record_size_limit 63", iana.RecordSizeLimit, "\x00\x3f", iana.IllegalParameter, "63 bytes, less than 64"},
		{"record_size_limit of a version to come", iana.RecordSizeLimit, "\xff\xff", ok, ""},

		{"contents in post_handshake_auth", iana.PostHandshakeAuth, "\x00", iana.DecodeError, "1 bytes left over"},
		{"contents in extended_master_secret", iana.ExtendedMasterSecret, "\x00", iana.DecodeError, "1 bytes left over"},
		{"contents in encrypt_then_mac", iana.EncryptThenMAC, "\x00", iana.DecodeError, "1 bytes left over"},
		{"verify_data in renegotiation_info", iana.RenegotiationInfo, "\x03abc", ok, ""},
		{"renegotiation_info without its length", iana.RenegotiationInfo, "", iana.DecodeError, "renegotiated_connection: 1 bytes wanted"},
		{"no point formats", iana.ECPointFormats, "\x00", iana.DecodeError, "ec_point_format_list: empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := new(ClientHello).Parse(clientHelloWith(ext(test.extension, []byte(test.data)...)))
			if test.alert == ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantAlert(t, err, test.alert, "client_hello", "extension "+test.extension.String()+": ", test.mention)
		})
	}
}

// shares returns the contents of a key_share with n shares.
func shares(n int) string {
	var w Writer
	l := w.Begin16()
	for i := range n {
		w.U16(uint16(0x1000 + i))
		w.vec16([]byte{1})
	}
	w.End(l)
	return string(w.B)
}

// twice is a key_share with its last share of one byte once more.
func twice(share string) string {
	list := share[2:] + share[len(share)-5:]
	return string([]byte{byte(len(list) >> 8), byte(len(list))}) + list
}

func TestServerNameBesideOtherTypes(t *testing.T) {
	for data, want := range map[string]string{
		"\x00\x09\x07\x00\x02xy\x00\x00\x01a": "a",
		"\x00\x09\x00\x00\x01a\x07\x00\x02xy": "a",
		"\x00\x05\x07\x00\x02xy":              "",
	} {
		var m ClientHello
		if err := m.Parse(clientHelloWith(ext(iana.ServerName, []byte(data)...))); err != nil {
			t.Error(err)
		}
		if string(m.ServerName) != want {
			t.Errorf("%q: server name %q, want %q", data, m.ServerName, want)
		}
	}
}

func TestStatusRequestOfAnotherTypeIsNotForOCSP(t *testing.T) {
	var m ClientHello
	if err := m.Parse(clientHelloWith(ext(iana.StatusRequest, 2))); err != nil || m.StatusRequest {
		t.Errorf("%v %v", m.StatusRequest, err)
	}
}

func TestKeySharesGet(t *testing.T) {
	k := KeyShares(shares(3)[2:])
	if share, ok := k.Get(0x1002); !ok || !bytes.Equal(share, []byte{1}) {
		t.Errorf("%x %v", share, ok)
	}
	if share, ok := k.Get(iana.X25519); ok {
		t.Errorf("a share of x25519: %x", share)
	}
	for groups, want := range map[string]iana.Group{"\x10\x02\x10\x00\x00\x1d\x10\x01": 0, "\x10\x00\x10\x02": 0x1001, "": 0x1000} {
		if g, ok := k.Stray(iana.List[iana.Group](groups)); g != want || ok != (want != 0) {
			t.Errorf("the share of a group that is not in %x is %v, %v, want %v", groups, g, ok, want)
		}
	}
	var groups []iana.Group
	for g := range k.All() {
		if groups = append(groups, g); len(groups) == 2 {
			break
		}
	}
	if len(groups) != 2 || groups[0] != 0x1000 || groups[1] != 0x1001 {
		t.Errorf("groups %v", groups)
	}
}

func TestProtocolNamesHas(t *testing.T) {
	p := ProtocolNames("\x02h2\x08http/1.1")
	for name, want := range map[string]bool{"h2": true, "http/1.1": true, "h": false, "": false, "h2\x08http/1.1": false} {
		if p.Has(name) != want {
			t.Errorf("Has(%q) is %v", name, !want)
		}
	}
}
