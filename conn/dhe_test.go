package conn

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// dhParams2048 is a group of "openssl dhparam 2048", which is none of RFC 7919.
const dhParams2048 = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEAiuyXZuql2qObEeFELISPkoam9jjZHVKunZkx8cOkck5O/NdKNsMy
a63FKjIpUHb1W2UczsI1daVVi0gmI9Jwp8Igwm1O479Obs6V3jzWod3UexkBz7iM
Wa/DdHRPQtEBrFjEjJQ0brDBSKBg0J9W7gpu/ZMJWPmkrZRQyQspzB6TBjkbT4V4
+ggOK41TuxbOQTjEwujCw4R15C110IPGfkXQ0an/bIEN//pmLZHFe/0eUbxDnMRm
A/jDt3LC7LwvLFTtOJxRdtSPBq40dIcUb7dI/ATXwx8RgV9IlKUDKs7qxUesKrSQ
aqdl7DwpFzNNuJUvmBauIq9VrA/K4O6WRwIBAg==
-----END DH PARAMETERS-----`

func TestDHEGroup(t *testing.T) {
	own, err := ParseDHParams([]byte(dhParams2048))
	if err != nil {
		t.Fatal(err)
	}
	rsa := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048})
	for _, c := range []struct {
		name   string
		params *DHParams
		want   iana.Group // 0 = a group without a name
	}{
		{"without any setting it is ffdhe2048", nil, iana.FFDHE2048},
		{"configured parameters are used for a client that lists no group of RFC 7919", own, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &Config{Certificates: []*Certificate{rsa}, SecurityPolicy: onlySuites(t, iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256), DHParams: c.params}
			client := clientConfig()
			client.SecurityPolicy = onlySuites(t, iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256)
			p := newPair(t, client, server)
			p.mustNegotiate(t)
			if got := p.client.State().Group; got != c.want || p.server.State().Group != got {
				t.Errorf("client has %v, server %v, want %v", got, p.server.State().Group, c.want)
			}
		})
	}
}
