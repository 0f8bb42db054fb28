package conn

import (
	"bytes"
	"testing"
)

// TestSettingsAreWiped holds that the secrets of sessions and PSKs that a connection was given do not outlive it.
func TestSettingsAreWiped(t *testing.T) {
	for name, end := range map[string]func(p *pair) error{
		"Close": func(p *pair) error { p.client.Close(); return nil },
		"Reset": func(p *pair) error { return p.client.Reset(p.pipe.Client.Recv, p.pipe.Client.Send, nil) },
	} {
		p := newPair(t, clientConfig(), serverConfig(t))
		var secrets [][]byte
		for range 2 { // the second takes the place of the first
			if err := p.client.SetSession(aBlob()); err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, p.client.own.session.Secret)
		}
		if !bytes.Equal(secrets[0], make([]byte, 32)) || bytes.Equal(secrets[1], make([]byte, 32)) {
			t.Error("SetSession wipes the wrong one")
		}
		psk := aPSK("a")
		if err := p.client.AppendPSK(psk); err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, p.client.own.psks[0].Secret)
		p.mustNegotiate(t)
		if err := end(p); err != nil {
			t.Fatal(err)
		}
		for i, s := range secrets {
			if !bytes.Equal(s, make([]byte, len(s))) {
				t.Errorf("%s: secret %d is still there", name, i)
			}
		}
		if bytes.Equal(psk.Secret, make([]byte, len(psk.Secret))) {
			t.Error("the application's PSK is wiped")
		}
	}
}
