package pkcs11

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	pin := "the-PIN"
	for _, test := range []struct {
		uri  string
		want URI
	}{
		// The examples of RFC 7512, Section 3.
		{"pkcs11:", URI{SlotID: -1}},
		{"pkcs11:object=my-pubkey;type=public", URI{SlotID: -1, Object: "my-pubkey", Type: "public"}},
		{"pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
			URI{SlotID: -1, Object: "my-key", Type: "private", PINSource: "file:/etc/token"}},
		{"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;" +
			"object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
			URI{SlotID: -1, Token: "The Software PKCS#11 Softtoken", Manufacturer: "Snake Oil, Inc.", Model: "1.0",
				Object: "my-certificate", Type: "cert", ID: []byte("\x69\x95\x3e\x5c\xf4\xbd\xec\x91"), PINSource: "file:/etc/token_pin"}},
		{"pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
			URI{SlotID: -1, Object: "my-sign-key", Type: "private", ModuleName: "mypkcs11"}},
		{"pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
			URI{SlotID: -1, Object: "my-sign-key", Type: "private", ModulePath: "/mnt/libmypkcs11.so.1"}},
		{"pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-PIN",
			URI{SlotID: -1, Token: "Software PKCS#11 softtoken", Manufacturer: "Snake Oil, Inc.", PINValue: &pin}},
		{"pkcs11:slot-description=Sun%20Metaslot", URI{SlotID: -1, SlotDescription: "Sun Metaslot"}},
		{"pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
			URI{SlotID: -1, LibraryManufacturer: "Snake Oil, Inc.", LibraryDescription: "Soft Token Library", LibraryVersion: "1.23"}},
		{"pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
			URI{SlotID: -1, Token: "A name with a substring %;", Object: "my-certificate", Type: "cert"}},
		{"pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
			URI{SlotID: -1, Token: "Name with a small A with acute: á", Object: "my-certificate", Type: "cert"}},
		{"pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a?pin-source=file:/etc/token_pin&vendor-bbb=value-b",
			URI{SlotID: -1, Token: "my-token", Object: "my-certificate", Type: "cert", PINSource: "file:/etc/token_pin",
				Vendor: map[string]string{"vendor-aaa": "value-a"}, VendorQuery: map[string][]string{"vendor-bbb": {"value-b"}}}},
		{"pkcs11:token=x?", URI{SlotID: -1, Token: "x"}},
		{"pkcs11:?v=1&w=2&v=%20", URI{SlotID: -1, VendorQuery: map[string][]string{"v": {"1", " "}, "w": {"2"}}}},

		{"PKCS11:token=x", URI{SlotID: -1, Token: "x"}},
		{"pkcs11:slot-id=0", URI{SlotID: 0}},
		{"pkcs11:slot-id=327", URI{SlotID: 327}},
		{"pkcs11:id=%ff%FE", URI{SlotID: -1, ID: []byte{0xff, 0xfe}}},
		{"pkcs11:token=a&b", URI{SlotID: -1, Token: "a&b"}},
		{"pkcs11:Token=x", URI{SlotID: -1, Vendor: map[string]string{"Token": "x"}}},
	} {
		got, err := ParseURI(test.uri)
		if err != nil {
			t.Errorf("%s: %v", test.uri, err)
			continue
		}
		if !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%s: parsed as %#v", test.uri, *got)
		}
		again, err := ParseURI(got.String())
		if again != nil {
			again.PINValue = got.PINValue
		}
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: written as %s and read as %v, %v", test.uri, got, again, err)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, test := range []struct{ uri, says string }{
		{"", "begins with"},
		{"pkcs12:token=x", "begins with"},
		{"pkcs11", "begins with"},
		{"pkcs11:token", "no name=value"},
		{"pkcs11:=x", "no name=value"},
		{"pkcs11:token=x;", "no name=value"},
		{"pkcs11:;token=x", "no name=value"},
		{"pkcs11:to ken=x", "no name=value"},
		{"pkcs11:token=x;token=y", "token twice"},
		{"pkcs11:x=1;x=2", "x twice"},
		{"pkcs11:?module-name=x&module-name=y", "module-name twice"},
		{"pkcs11:token=%", "ends within an escape"},
		{"pkcs11:token=%4", "ends within an escape"},
		{"pkcs11:token=%4g", "not two hexadecimal digits"},
		{"pkcs11:token=%+4", "not two hexadecimal digits"},
		{"pkcs11:token=a b", "has to be escaped"},
		{"pkcs11:token=a/b", "has to be escaped"},
		{"pkcs11:token=a#b", "has to be escaped"},
		{"pkcs11:token=á", "has to be escaped"},
		{"pkcs11:token=%ff", "cannot have"},
		{"pkcs11:type=secret", "cannot have"},
		{"pkcs11:type=Private", "cannot have"},
		{"pkcs11:slot-id=x", "cannot have"},
		{"pkcs11:slot-id=+1", "cannot have"},
		{"pkcs11:slot-id=-1", "cannot have"},
		{"pkcs11:slot-id=99999999999999999999", "cannot have"},
		{"pkcs11:library-version=1.2.3", "cannot have"},
		{"pkcs11:library-version=256", "cannot have"},
		{"pkcs11:library-version=1.", "cannot have"},
		{"pkcs11:?pin-source=", "cannot have"},
		{"pkcs11:?pin-source=|/usr/lib/pinomatic", "is a command"},
		{"pkcs11:?pin-source=/x&pin-value=y", "both"},
		{"pkcs11:?module-name=../x", "cannot have"},
		{"pkcs11:?module-name=", "cannot have"},
		{"pkcs11:?module-path=/x%00", "cannot have"},
		{"pkcs11:" + strings.Repeat("x", 20000), "longer than"},
	} {
		if u, err := ParseURI(test.uri); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%.60s: parsed as %v, %v, want an error with %q", test.uri, u, err, test.says)
		}
	}
}
