package certs

import (
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
)

func TestPSSParameters(t *testing.T) {
	algorithm := func(oid asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: oid}
	}
	mgf := func(function, hash asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
		inner, err := asn1.Marshal(algorithm(hash))
		if err != nil {
			t.Fatal(err)
		}
		return pkix.AlgorithmIdentifier{Algorithm: function, Parameters: asn1.RawValue{FullBytes: inner}}
	}
	params := func(hash asn1.ObjectIdentifier, mask pkix.AlgorithmIdentifier, salt, trailer int) []byte {
		der, err := asn1.Marshal(pssParameters{algorithm(hash), mask, salt, trailer})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	sha224 := asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}
	for _, test := range []struct {
		name string
		der  []byte
		hash crypto.Hash
		want string // of the error; "" = none
	}{
		{"none at all bind to nothing", nil, 0, ""},
		{"SHA-256", params(oidSHA256, mgf(oidMGF1, oidSHA256), 32, 1), crypto.SHA256, ""},
		{"SHA-384", params(oidSHA384, mgf(oidMGF1, oidSHA384), 48, 1), crypto.SHA384, ""},
		{"SHA-512", params(oidSHA512, mgf(oidMGF1, oidSHA512), 64, 1), crypto.SHA512, ""},
		{"a salt that may be shorter", params(oidSHA256, mgf(oidMGF1, oidSHA256), 20, 1), crypto.SHA256, ""},
		{"an empty sequence is SHA-1", []byte{0x30, 0}, 0, "RSA-PSS key is bound to SHA-1"},
		{"SHA-224", params(sha224, mgf(oidMGF1, sha224), 28, 1), 0, "bound to the unknown hash 2.16.840.1.101.3.4.2.4"},
		{"another hash in the mask", params(oidSHA256, mgf(oidMGF1, oidSHA384), 32, 1), 0, "mask generation other than MGF1"},
		{"another mask", params(oidSHA256, mgf(oidRSASSAPSS, oidSHA256), 32, 1), 0, "mask generation other than MGF1"},
		{"a mask without a hash", params(oidSHA256, algorithm(oidMGF1), 32, 1), 0, "mask generation other than MGF1"},
		{"a salt longer than TLS makes it", params(oidSHA256, mgf(oidMGF1, oidSHA256), 33, 1), 0, "a salt of 33 bytes"},
		{"a salt of less than nothing", params(oidSHA256, mgf(oidMGF1, oidSHA256), -1, 1), 0, "a salt of -1 bytes"},
		{"another trailer", params(oidSHA256, mgf(oidMGF1, oidSHA256), 32, 2), 0, "trailer 2"},
		{"NULL", []byte{5, 0}, 0, "malformed RSA-PSS parameters"},
		{"something behind", append(params(oidSHA256, mgf(oidMGF1, oidSHA256), 32, 1), 0), 0, "malformed RSA-PSS parameters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hash, err := pssHash(test.der)
			if hash != test.hash {
				t.Errorf("the hash is %v", hash)
			}
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNamesInErrors(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{KeyUnsupported.String(), "unsupported"},
		{KeyRSA.String(), "RSA"},
		{KeyRSAPSS.String(), "RSA-PSS"},
		{KeyECDSA.String(), "ECDSA"},
		{KeyEd25519.String(), "Ed25519"},
		{KeyType(9).String(), "9"},
		{MatchNone.String(), "none"},
		{MatchExact.String(), "exact"},
		{MatchWildcard.String(), "wildcard"},
		{NoMatch.String(), "no match"},
		{describeKey(nil), "nothing"},
		{describeKey(7), "int"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
