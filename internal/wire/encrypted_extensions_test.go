package wire

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestEncryptedExtensionsFields(t *testing.T) {
	var m EncryptedExtensions
	if err := m.Parse(written(t, writeSampleEncryptedExtensions)[4:], everything); err != nil {
		t.Fatal(err)
	}
	if !m.ServerName || string(m.ALPN) != "h2" || !m.EarlyData || m.MaxFragmentLength != 1 || m.RecordSizeLimit != 64 ||
		!slices.Equal(m.SupportedGroups.Slice(), sampleGroups) || !m.Has.Has(iana.EarlyData) || m.Has.Has(iana.UseSRTP) {
		t.Errorf("%+v", m)
	}
	if err := m.Parse([]byte{0, 0}, 0); err != nil || m.ServerName || m.Has != 0 {
		t.Errorf("empty: %+v, %v", m, err)
	}
}

func TestEncryptedExtensionsMalformed(t *testing.T) {
	tests := []struct {
		name      string
		extension iana.Extension
		data      string
		alert     iana.Alert
		mention   string
	}{
		{"a name in server_name", iana.ServerName, "\x00\x04\x00\x00\x01a", iana.DecodeError, "6 bytes left over"},
		{"no protocol name", iana.ApplicationLayerProtocolNegotiation, "\x00\x00", iana.DecodeError, "empty"},
		{"an empty protocol name", iana.ApplicationLayerProtocolNegotiation, "\x00\x01\x00", iana.DecodeError, "empty"},
		{"two protocol names", iana.ApplicationLayerProtocolNegotiation, "\x00\x06\x02h2\x02h3", iana.DecodeError, "more than one name"},
		{"contents in early_data", iana.EarlyData, "\x00\x00\x00\x00", iana.DecodeError, "4 bytes left over"},
		{"max_fragment_length 5", iana.MaxFragmentLength, "\x05", iana.IllegalParameter, "code 5"},
		{"record_size_limit 63", iana.RecordSizeLimit, "\x00\x3f", iana.IllegalParameter, "63 bytes"},
		{"no groups", iana.SupportedGroups, "\x00\x00", iana.DecodeError, "named_group_list"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := new(EncryptedExtensions).Parse(block(ext(test.extension, []byte(test.data)...)), everything)
			wantAlert(t, err, test.alert, "encrypted_extensions", "extension "+test.extension.String()+": ", test.mention)
		})
	}
}
