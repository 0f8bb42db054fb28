package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// The table of RFC 8446, Section 4.2, as it stands there, without heartbeat, which this
// package does not know; then what later RFCs and those of TLS 1.2 add to it. SH12 is the
// ServerHello of TLS 1.2, which answers in clear what EncryptedExtensions answer now: RFC
// 6066, 7301, 5764, 6962, 7250, 7366, 7627, 8449, 5077, 5746 and 8422, and what the comment
// on placement says of supported_groups.
var placementInRFCs = []struct {
	extension iana.Extension
	messages  string
}{
	{iana.ServerName, "CH, EE, SH12"},
	{iana.MaxFragmentLength, "CH, EE, SH12"},
	{iana.StatusRequest, "CH, CR, CT, SH12"},
	{iana.SupportedGroups, "CH, EE, SH12"},
	{iana.SignatureAlgorithms, "CH, CR"},
	{iana.UseSRTP, "CH, EE, SH12"},
	{iana.ApplicationLayerProtocolNegotiation, "CH, EE, SH12"},
	{iana.SignedCertificateTimestamp, "CH, CR, CT, SH12"},
	{iana.ClientCertificateType, "CH, EE, SH12"},
	{iana.ServerCertificateType, "CH, EE, SH12"},
	{iana.Padding, "CH"},
	{iana.KeyShare, "CH, SH, HRR"},
	{iana.PreSharedKey, "CH, SH"},
	{iana.PSKKeyExchangeModes, "CH"},
	{iana.EarlyData, "CH, EE, NST"},
	{iana.Cookie, "CH, HRR"},
	{iana.SupportedVersions, "CH, SH, HRR"},
	{iana.CertificateAuthorities, "CH, CR"},
	{iana.OIDFilters, "CR"},
	{iana.PostHandshakeAuth, "CH"},
	{iana.SignatureAlgorithmsCert, "CH, CR"},

	{iana.CompressCertificate, "CH, CR"},       // RFC 8879
	{iana.RecordSizeLimit, "CH, EE, SH12"},     // RFC 8449
	{iana.QUICTransportParameters, "CH, EE"},   // RFC 9001
	{iana.EncryptedClientHello, "CH, HRR, EE"}, // RFC 9849
	{iana.ECPointFormats, "CH, SH12"},          // TLS 1.2
	{iana.EncryptThenMAC, "CH, SH12"},          // TLS 1.2
	{iana.ExtendedMasterSecret, "CH, SH12"},    // TLS 1.2
	{iana.SessionTicket, "CH, SH12"},           // TLS 1.2
	{iana.RenegotiationInfo, "CH, SH12"},       // TLS 1.2
}

// carriers are the messages that carry extensions, with a body of nothing else.
var carriers = []struct {
	short, name string
	answer      bool
	parse       func(offered Set, extensions ...[]byte) error
}{
	{"CH", "client_hello", false, func(_ Set, x ...[]byte) error {
		return new(ClientHello).Parse(clientHelloWith(x...))
	}},
	{"SH", "server_hello", true, func(offered Set, x ...[]byte) error {
		return new(ServerHello).Parse(serverHelloWith(sampleRandom, withVersion(x)...), offered)
	}},
	{"SH12", "server_hello", true, func(offered Set, x ...[]byte) error {
		return (&ServerHello{Extensions: block(x...)[2:]}).Parse12(offered)
	}},
	{"HRR", "hello_retry_request", true, func(offered Set, x ...[]byte) error {
		return new(ServerHello).Parse(serverHelloWith(HelloRetryRequestRandom[:], withVersion(x)...), offered)
	}},
	{"EE", "encrypted_extensions", true, func(offered Set, x ...[]byte) error {
		return new(EncryptedExtensions).Parse(block(x...), offered)
	}},
	{"CT", "certificate", true, func(offered Set, x ...[]byte) error {
		body := append([]byte{0, 0, 0, 0, 0, 0, 1, 0x30}, block(x...)...)
		body[3] = byte(len(body) - 4)
		return new(Certificate).Parse(body, offered, 1)
	}},
	{"CR", "certificate_request", false, func(_ Set, x ...[]byte) error {
		return new(CertificateRequest).Parse(append([]byte{0}, block(withSchemes(x)...)...))
	}},
	{"NST", "new_session_ticket", false, func(_ Set, x ...[]byte) error {
		return new(NewSessionTicket).Parse(append([]byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 9}, block(x...)...))
	}},
}

// withVersion adds the supported_versions that makes a ServerHello one of TLS 1.3.
func withVersion(x [][]byte) [][]byte {
	if len(x) > 0 && x[0][1] == byte(iana.SupportedVersions) {
		return x
	}
	return append([][]byte{ext(iana.SupportedVersions, 3, 4)}, x...)
}

// withSchemes adds the signature_algorithms that a CertificateRequest must have.
func withSchemes(x [][]byte) [][]byte {
	if len(x) > 0 && x[0][1] == byte(iana.SignatureAlgorithms) {
		return x
	}
	return append([][]byte{ext(iana.SignatureAlgorithms, 0, 2, 8, 7)}, x...)
}

// An extension passes the check of places exactly where the RFCs have it: elsewhere it is
// an illegal_parameter, though it was offered and whatever it holds.
func TestPlacementIsThatOfTheRFCs(t *testing.T) {
	known := 0
	for _, row := range placementInRFCs {
		places := strings.Split(row.messages, ", ")
		for _, c := range carriers {
			t.Run(row.extension.String()+" in "+c.short, func(t *testing.T) {
				err := c.parse(everything, ext(row.extension, 0xff))
				if !slices.Contains(places, c.short) {
					wantAlert(t, err, iana.IllegalParameter, c.name, "extension "+row.extension.String(), "does not belong here")
				} else if err != nil && strings.Contains(err.Error(), "belong") {
					t.Error(err)
				}
			})
		}
	}
	for _, p := range placement {
		if p != 0 {
			known++
		}
	}
	if known != len(placementInRFCs) {
		t.Errorf("%d extensions are known, %d are in the table of this test", known, len(placementInRFCs))
	}
}

func TestUnknownExtension(t *testing.T) {
	for _, unknown := range []iana.Extension{0x7f, 0x0a0a, 0xfafa, 61, 62, 63, 64, 0xfe0c, 0xffff} {
		for _, c := range carriers {
			t.Run(unknown.String()+" in "+c.short, func(t *testing.T) {
				err := c.parse(everything, ext(unknown, 1, 2, 3))
				if c.answer {
					wantAlert(t, err, iana.UnsupportedExtension, c.name, "extension "+unknown.String(), "was not offered")
				} else if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestUnsolicitedExtensionIsUnsupported(t *testing.T) {
	for _, c := range carriers {
		if !c.answer {
			continue
		}
		for _, row := range placementInRFCs {
			if !slices.Contains(strings.Split(row.messages, ", "), c.short) {
				continue
			}
			t.Run(row.extension.String()+" in "+c.short, func(t *testing.T) {
				var offered Set
				for _, other := range placementInRFCs {
					if other.extension != row.extension {
						offered.Add(other.extension)
					}
				}
				err := c.parse(offered, ext(row.extension, 0, 2, 0))
				if c.short == "HRR" && row.extension == iana.Cookie {
					wantAlert(t, err, iana.DecodeError, c.name) // it is welcome; this one is malformed
					return
				}
				wantAlert(t, err, iana.UnsupportedExtension, c.name, "extension "+row.extension.String(), "was not offered")
			})
		}
	}
}

func TestDuplicateExtension(t *testing.T) {
	alerts := map[string]iana.Alert{"CH": iana.DecodeError, "EE": iana.DecodeError, "SH12": iana.DecodeError}
	for _, c := range carriers {
		alert, ok := alerts[c.short]
		if !ok {
			alert = iana.IllegalParameter
		}
		t.Run("known in "+c.short, func(t *testing.T) {
			for _, row := range placementInRFCs {
				if slices.Contains(strings.Split(row.messages, ", "), c.short) {
					err := c.parse(everything, ext(row.extension), ext(row.extension))
					wantAlert(t, err, alert, c.name, "extension "+row.extension.String()+": there twice")
				}
			}
		})
		if c.answer {
			continue
		}
		t.Run("unknown in "+c.short, func(t *testing.T) {
			err := c.parse(0, ext(0x1a1a), ext(0x2a2a), ext(77), ext(0x1a1a, 1))
			wantAlert(t, err, alert, c.name, "extension GREASE(0x1a1a): there twice")
		})
	}
}

// A peer may list as many unknown extensions as a hello can hold, each once.
func TestExtensionCount(t *testing.T) {
	var many [][]byte
	for i := range 16000 {
		many = append(many, ext(iana.Extension(0x4000+i)))
		if n := len(many); n == 31 || n == 32 || n == 33 || n == 128 || n == 129 || n == 16000 {
			if err := new(ClientHello).Parse(clientHelloWith(many...)); err != nil {
				t.Errorf("%d extensions: %v", n, err)
			}
			for _, again := range []int{0, n / 2, n - 1} {
				twice := append(slices.Clip(many), many[again])
				wantAlert(t, new(ClientHello).Parse(clientHelloWith(twice...)), iana.DecodeError, "client_hello", "there twice")
			}
		}
	}
}

func TestSet(t *testing.T) {
	var s Set
	for _, row := range placementInRFCs {
		if s.Has(row.extension) {
			t.Errorf("has %v before it is there", row.extension)
		}
		s.Add(row.extension)
		if !s.Has(row.extension) {
			t.Errorf("has no %v", row.extension)
		}
	}
	before := s
	for _, unknown := range []iana.Extension{2, 15, 61, 62, 63, 64, 128, 0xfe0c, 0xff00, 0xffff} {
		s.Add(unknown)
		if s.Has(unknown) || everything.Has(unknown) && unknown >= 62 {
			t.Errorf("has %v, which is unknown", unknown)
		}
	}
	if s != before {
		t.Errorf("%b became %b", before, s)
	}
}

func TestExtensionsGetAndAll(t *testing.T) {
	e := Extensions(block(ext(iana.Cookie, 1, 2), ext(0x0a0a), ext(iana.KeyShare, 3))[2:])
	var order []iana.Extension
	for kind := range e.All() {
		order = append(order, kind)
	}
	if want := []iana.Extension{iana.Cookie, 0x0a0a, iana.KeyShare}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	for range e.All() {
		break // is allowed
	}
	if data, ok := e.Get(iana.KeyShare); !ok || len(data) != 1 || data[0] != 3 {
		t.Errorf("key_share %x %v", data, ok)
	}
	if data, ok := e.Get(0x0a0a); !ok || len(data) != 0 {
		t.Errorf("0x0a0a %x %v", data, ok)
	}
	if data, ok := e.Get(iana.ServerName); ok {
		t.Errorf("server_name %x, which is not there", data)
	}
	if _, ok := e[:len(e)-1].Get(iana.KeyShare); ok {
		t.Error("an extension that is cut off was found")
	}
}
