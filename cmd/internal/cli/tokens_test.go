package cli

import (
	"slices"
	"strings"
	"testing"
)

// Keys go with certificates in order, or, where tokens have the rest, with the one in front of them.
func TestKeysGoWithCertificates(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // of the certificates in order; "" = in a token
		says string
	}{
		{"", []string{}, ""},
		{"--cert a --key b", []string{"b"}, ""},
		{"--cert a --cert c --key b --key d", []string{"b", "d"}, ""},
		{"--key b --cert a", []string{"b"}, ""},
		{"--cert a --pkcs11-uri pkcs11:", []string{""}, ""},
		{"--cert a --cert c --key d --pkcs11-module m", []string{"", "d"}, ""},
		{"--cert a --key b --cert c --pkcs11-module m", []string{"b", ""}, ""},
		{"--pkcs11-module m --pkcs11-uri pkcs11:", []string{}, ""},
		{"--cert a --cert c --key d", nil, "--cert c: needs a --key behind it, or --pkcs11-uri"},
		{"--cert a --key b --key d", nil, "--key d: needs a --cert before it"},
		{"--cert a --key b --key d --cert c --cert e --pin-file p", nil, "--key d: needs a --cert of its own right before it"},
		{"--key b --cert a --cert c --pin-file p", nil, "--key b: needs a --cert of its own right before it"},
	} {
		var o Credentials
		f := NewFlags("prog", "", "")
		f.Group("All")
		o.AddCertificates(f)
		o.AddTokens(f)
		if _, _, err := f.Parse(strings.Fields(c.line)); err != nil {
			t.Fatal(err)
		}
		keys, err := o.pairs()
		switch {
		case c.says == "" && (err != nil || !slices.Equal(keys, c.want)):
			t.Errorf("%q gives %q, %v", c.line, keys, err)
		case c.says != "" && (err == nil || err.Error() != c.says):
			t.Errorf("%q gives %v", c.line, err)
		}
	}
}
