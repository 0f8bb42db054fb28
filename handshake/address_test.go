package handshake

import "testing"

func TestIsAddress(t *testing.T) {
	for name, want := range map[string]bool{
		"192.0.2.1": true, "2001:db8::": true, "::1": true, "::ffff:192.0.2.1": true, "fe80::1%eth0": true, "2001:db8::beef": true,
		"": false, "example.com": false, "localhost": false, "host1": false, "192.0.2.256": false, "192.0.2.1.": false, "1.example": false,
		"[::1]": false, "example.com:443": false, "a:b": false, "0": false,
	} {
		if isAddress(name) != want {
			t.Errorf("%q is an address: %v", name, !want)
		}
	}
}
