package schedule

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"testing"
)

// An Exporter is the Export of its secret, and nothing once it is cleared.
func TestExporter(t *testing.T) {
	var th [32]byte
	main := Main{secret: Secret{hash: crypto.SHA256}}
	secret := main.Exporter(th[:])
	master := NewMaster(crypto.SHA256, []byte("premaster"), []byte("client"), []byte("server"))
	client, server := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	for name, c := range map[string]struct {
		e    *Exporter
		want func(out []byte) error
	}{
		"TLS 1.3": {NewExporter(&secret), func(out []byte) error { return secret.Export(out, "label", []byte("context")) }},
		"TLS 1.2": {NewExporter12(&master, client, server), func(out []byte) error { return master.Export(out, "label", client, server, []byte("context")) }},
	} {
		t.Run(name, func(t *testing.T) {
			want, got := make([]byte, 40), make([]byte, 40)
			if err := c.want(want); err != nil {
				t.Fatal(err)
			}
			if err := c.e.Export(got, "label", []byte("context")); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x: %v", got, want, err)
			}
			if text := fmt.Sprintf("%v %+v %#v %x", c.e, *c.e, *c.e, c.e); text != "secret secret secret secret" {
				t.Errorf("it prints as %q", text)
			}
			kept := c.e.tls12
			c.e.Clear()
			if err := c.e.Export(got, "label", nil); !errors.Is(err, ErrNoExporter) || *c.e != (Exporter{}) || kept != nil && *kept != (exporter12{}) {
				t.Errorf("once cleared it exports: %v", err)
			}
		})
	}
	var none *Exporter
	none.Clear()
	if err := none.Export(make([]byte, 1), "label", nil); !errors.Is(err, ErrNoExporter) {
		t.Errorf("none exports: %v", err)
	}
	e := NewExporter12(&master, client, server)
	if err := e.Export(make([]byte, MaxExport12+1), "label", nil); !errors.Is(err, ErrExport12) {
		t.Errorf("65536 bytes: %v", err)
	}
}
