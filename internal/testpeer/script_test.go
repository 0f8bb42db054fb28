package testpeer

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// play lets a scripted client and a scripted server talk to each other, and returns all messages.
func play(c *ScriptClient, s *ScriptServer, retry iana.Group) (all [][]byte) {
	say := func(msg []byte) []byte {
		all = append(all, bytes.Clone(msg))
		return msg
	}
	s.ReadClientHello(say(c.ClientHello()))
	if retry != 0 {
		c.ReadServerHello(say(s.HelloRetryRequest(retry, []byte("cookie"))))
		s.ReadClientHello(say(c.ClientHello()))
	}
	c.ReadServerHello(say(s.ServerHello()))
	c.ReadServer(say(s.EncryptedExtensions()))
	c.ReadServer(say(s.CertificateRequest()))
	c.ReadServer(say(s.Certificate()))
	c.ReadServer(say(s.CertificateVerify()))
	c.ReadFinished(say(s.Finished()))
	s.ReadClient(say(c.Certificate()))
	s.ReadClient(say(c.CertificateVerify()))
	s.ReadFinished(say(c.Finished()))
	return all
}

func scripts(t *testing.T) (*ScriptClient, *ScriptServer) {
	t.Helper()
	id, err := SelfSigned([]byte("script"), Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &ScriptClient{
		Suites: []iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384, iana.TLS_AES_128_GCM_SHA256},
		Groups: []iana.Group{iana.X25519, iana.X25519MLKEM768}, Shares: []iana.Group{iana.X25519},
		Schemes: []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}, ServerName: "localhost", ALPN: []string{"h2"},
	}
	s := &ScriptServer{ALPN: "h2", Schemes: c.Schemes}
	c.Identity, s.Identity = id, id
	return c, s
}

func TestScripts(t *testing.T) {
	for _, retry := range []iana.Group{0, iana.X25519MLKEM768} {
		c, s := scripts(t)
		play(c, s, retry)
		if c.Err() != nil || s.Err() != nil {
			t.Fatal(c.Err(), s.Err())
		}
		if c.ApplicationClient != s.ApplicationClient || c.ApplicationServer != s.ApplicationServer ||
			c.ApplicationClient == c.ApplicationServer || c.HandshakeClient != s.HandshakeClient {
			t.Error("the sides have different secrets")
		}
	}
}

func TestScriptsTellErrors(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(*ScriptClient, *ScriptServer)
	}{
		{"a bit of the server's Finished", func(_ *ScriptClient, s *ScriptServer) {
			s.Edit = On(iana.Finished, Flip(-1))
		}},
		{"a message that only one side knows", func(c *ScriptClient, _ *ScriptServer) {
			c.ReadServer([]byte{byte(iana.EncryptedExtensions), 0, 0, 0})
		}},
		{"a group without a share", func(_ *ScriptClient, s *ScriptServer) { s.Group = iana.Secp521r1 }},
		{"a suite that there is none of", func(_ *ScriptClient, s *ScriptServer) { s.Suite = 0x1399 }},
		{"a group that there is none of", func(c *ScriptClient, _ *ScriptServer) { c.Shares = []iana.Group{0x1234} }},
		{"no identity", func(c *ScriptClient, _ *ScriptServer) { c.Identity = nil }},
		{"a scheme that there is none of", func(c *ScriptClient, _ *ScriptServer) { c.Scheme = 0x1234 }},
	} {
		client, server := scripts(t)
		c.spoil(client, server)
		play(client, server, 0)
		if client.Err() == nil && server.Err() == nil {
			t.Errorf("%s: nobody minds", c.what)
		}
	}
}

// TestEdits holds that a message taken apart and put together is the same, and what each edit does.
func TestEdits(t *testing.T) {
	c, s := scripts(t)
	all := play(c, s, iana.X25519MLKEM768)
	if c.Err() != nil || s.Err() != nil {
		t.Fatal(c.Err(), s.Err())
	}
	for _, msg := range all {
		switch iana.Message(msg[0]) {
		case iana.ClientHello, iana.ServerHello, iana.EncryptedExtensions, iana.CertificateRequest:
		default:
			continue
		}
		if got := Change(func(*Parts) {})(bytes.Clone(msg)); !bytes.Equal(got, msg) {
			t.Errorf("a %v that nothing is changed in is\n%x, was\n%x", iana.Message(msg[0]), got, msg)
		}
		with := Add(0x1234, 1, 2)(bytes.Clone(msg))
		if want := append(bytes.Clone(msg), 0x12, 0x34, 0, 2, 1, 2); len(with) != len(want) || !bytes.HasSuffix(with, want[len(msg):]) {
			t.Errorf("%x with another extension is %x", msg, with)
		}
		if got := Replace(0x1234, 3)(bytes.Clone(with)); !bytes.HasSuffix(got, []byte{0x12, 0x34, 0, 1, 3}) {
			t.Errorf("%x with the extension replaced is %x", with, got)
		}
		if got := Drop(0x1234)(with); !bytes.Equal(got, msg) {
			t.Errorf("%x without the extension is %x", with, got)
		}
	}
	finished := []byte{byte(iana.Finished), 0, 0, 3, 1, 2, 3}
	retry, hello := all[1], all[3]
	for _, e := range []struct {
		what      string
		edit      Edit
		msg, want []byte
	}{
		{"Cut", Cut(1), finished, []byte{byte(iana.Finished), 0, 0, 2, 1, 2}},
		{"Body", Body(9), finished, []byte{byte(iana.Finished), 0, 0, 1, 9}},
		{"Flip from the front", Flip(4), finished, []byte{byte(iana.Finished), 0, 0, 3, 0, 2, 3}},
		{"Flip from the end", Flip(-1), finished, []byte{byte(iana.Finished), 0, 0, 3, 1, 2, 2}},
		{"both", Edits(Cut(1), Flip(-1)), finished, []byte{byte(iana.Finished), 0, 0, 2, 1, 3}},
		{"On another message", On(iana.ClientHello, Cut(1)), finished, finished},
		{"On this message", On(iana.Finished, Body()), finished, []byte{byte(iana.Finished), 0, 0, 0}},
		{"On ServerHello, and it is a HelloRetryRequest", On(iana.ServerHello, Body()), retry, retry},
		{"On ServerHello", On(iana.ServerHello, Body()), hello, []byte{byte(iana.ServerHello), 0, 0, 0}},
		{"OnRetry, and it is a ServerHello", OnRetry(Body()), hello, hello},
		{"OnRetry", OnRetry(Body()), retry, []byte{byte(iana.ServerHello), 0, 0, 0}},
	} {
		if got := e.edit(bytes.Clone(e.msg)); !bytes.Equal(got, e.want) {
			t.Errorf("%s: %x, want %x", e.what, got, e.want)
		}
	}
}
