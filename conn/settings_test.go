package conn

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// What is wrong with a Config is said by name when a connection is made from it.
func TestConfigsThatAreRefused(t *testing.T) {
	good := issue(t, testpeer.Template{})
	keyless, err := NewCertificate(good.Chain, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg    *Config
		client bool
		text   string
	}{
		"an unknown policy":                 {&Config{Policy: "no such policy"}, true, "no such policy"},
		"a retired policy":                  {&Config{Policy: "PQ-TLS-1-0-2020-12"}, true, "retired"},
		"no group that is implemented":      {&Config{Groups: []iana.Group{0x9999}}, true, "group"},
		"no group at all":                   {&Config{Groups: []iana.Group{}}, true, "group"},
		"no scheme that is implemented":     {&Config{Schemes: []iana.SignatureScheme{0x9999}}, true, "scheme"},
		"no scheme at all":                  {&Config{Schemes: []iana.SignatureScheme{}}, true, "scheme"},
		"a server without a certificate":    {&Config{}, false, "certificate"},
		"a certificate that is nil":         {&Config{Certificates: []*Certificate{nil}}, false, "certificate 0"},
		"an empty certificate":              {&Config{Certificates: []*Certificate{good, {}}}, false, "certificate 1"},
		"a certificate without its key":     {&Config{Certificates: []*Certificate{keyless}}, false, "no private key"},
		"a client's certificate without":    {&Config{Certificates: []*Certificate{keyless}}, true, "no private key"},
		"a server name of 256 bytes":        {&Config{ServerName: strings.Repeat("x", 256)}, true, "longer than 255"},
		"a server name in UTF-8":            {&Config{ServerName: "b\u00fccher.example"}, true, "not visible ASCII"},
		"a server name with a line break":   {&Config{ServerName: "localhost\n"}, true, "not visible ASCII"},
		"an application protocol of 0 byte": {&Config{ALPN: []string{"h2", ""}}, true, "1 to 255"},
		"an application protocol of 256":    {&Config{ALPN: []string{strings.Repeat("x", 256)}}, true, "1 to 255"},
		"too many application protocols":    {&Config{ALPN: repeated("xxxxxxx", 9000)}, true, "65535"},
		"a record size of -1":               {&Config{RecordSize: -1}, true, "RecordSize -1"},
		"a record size of 16385":            {&Config{RecordSize: 16385}, true, "RecordSize 16385"},
		"a send buffer of -1":               {&Config{SendBufferSize: -1}, true, "SendBufferSize -1"},
		"a chain depth of -1":               {&Config{MaxChainDepth: -1}, true, "MaxChainDepth -1"},
		"a certificate limit of -1":         {&Config{MaxCertificateBytes: -1}, true, "MaxCertificateBytes -1"},
		"a certificate limit of 16 MiB":     {&Config{MaxCertificateBytes: 1 << 24}, true, "MaxCertificateBytes"},
		"a mode of client authentication":   {&Config{ClientAuth: 99}, true, "ClientAuth"},
		"a mode of validation":              {&Config{Validation: 99}, true, "99 is no mode of Validation"},
		"TLS 1.0 as the lowest version":     {&Config{MinVersion: iana.TLS10}, true, "not TLSv1.0"},
		"a highest version of nowhere":      {&Config{MaxVersion: 0x0999}, true, "MaxVersion"},
		"versions the wrong way round":      {&Config{MinVersion: iana.TLS13, MaxVersion: iana.TLS12}, true, "outside of MinVersion and MaxVersion"},
		"a version that the policy lacks":   {&Config{Policy: "20240502", MaxVersion: iana.TLS12, MinVersion: iana.TLS12, Groups: []iana.Group{iana.X25519MLKEM768}}, true, "TLSv1.2"},
		"key shares of no group of ours":    {&Config{Groups: []iana.Group{iana.X25519}, KeyShares: []iana.Group{iana.Secp256r1}}, true, "key share for secp256r1"},
		"no scheme to sign with":            {&Config{SigningSchemes: []iana.SignatureScheme{0x9999}}, true, "SigningSchemes"},
		"no scheme to verify with":          {&Config{VerifySchemes: []iana.SignatureScheme{}}, true, "scheme"},
		"a negative session lifetime":       {&Config{SessionLifetime: -1}, true, "SessionLifetime"},
		"a negative keying lifetime":        {&Config{KeyingMaterialLifetime: -1}, true, "KeyingMaterialLifetime"},
		"257 tickets":                       {&Config{TicketCount: 257}, true, "TicketCount 257 is more than 256"},
		"an early data context of 64 KiB":   {&Config{EarlyDataContext: make([]byte, 65536)}, true, "EarlyDataContext"},
		"ticket keys and no tickets":        {&Config{TicketKeys: NewTicketKeys(TicketKeysConfig{})}, true, "not SessionTickets"},
		"a PSK that is nil":                 {&Config{PSKs: []*PSK{nil}}, true, "PSK 0 is nil"},
		"a PSK without identity":            {&Config{PSKs: []*PSK{{Secret: []byte{1}}}}, true, "identity"},
		"a PSK without secret":              {&Config{PSKs: []*PSK{{Identity: []byte("a")}}}, true, "secret"},
		"a PSK of zeros":                    {&Config{PSKs: []*PSK{{Identity: []byte("a"), Secret: make([]byte, 32)}}}, true, "secret"},
		"two PSKs of one identity":          {&Config{PSKs: []*PSK{aPSK("a"), aPSK("a")}}, true, "PSK 1: another PSK"},
		"more PSKs than a hello holds":      {&Config{PSKs: []*PSK{aPSK(strings.Repeat("a", 40000)), aPSK(strings.Repeat("b", 40000))}}, true, "too long"},
		"a negative time limit":             {&Config{OperationTimeout: -1}, true, "OperationTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			open := NewServer
			if c.client {
				open = NewClient
			}
			end := &callbacks{in: &lane{}, out: &lane{}, read: everything, write: everything}
			conn, err := open(end.recv, end.send, c.cfg)
			if conn != nil {
				t.Error("there is a connection")
			}
			failure{kind: ErrUsage, text: c.text}.check(t, "constructor", err)
		})
	}
	for _, open := range []func(RecvFunc, SendFunc, *Config) (*Conn, error){NewClient, NewServer} {
		_, err := open(nil, func(p []byte) (int, error) { return len(p), nil }, clientConfig())
		failure{kind: ErrUsage, text: "RecvFunc"}.check(t, "constructor", err)
		_, err = open(func([]byte) (int, error) { return 0, io.EOF }, nil, clientConfig())
		failure{kind: ErrUsage, text: "SendFunc"}.check(t, "constructor", err)
	}
}

func aPSK(identity string) *PSK {
	return &PSK{Identity: []byte(identity), Secret: []byte("secret of " + identity)}
}

func repeated(s string, n int) (list []string) {
	for range n {
		list = append(list, s)
	}
	return list
}

// A client that would verify no name is told so, and may still be given one.
func TestClientWithoutAServerName(t *testing.T) {
	cfg := quick(clientConfig())
	cfg.ServerName = ""
	p := newPair(t, cfg, quick(serverConfig(t)))
	_, err := p.client.Negotiate()
	failure{kind: ErrUsage, text: "server name"}.check(t, "client", err)
	if err := p.client.SetServerName("localhost"); err != nil {
		t.Fatal(err)
	}
	p.mustNegotiate(t)
	for name, change := range map[string]func(*Config){
		"InsecureSkipVerify": func(cfg *Config) { cfg.InsecureSkipVerify = true },
		"VerifyHost":         func(cfg *Config) { cfg.VerifyHost = func(name string) bool { return name == "localhost" } },
	} {
		cfg := quick(&Config{RootCAs: pki().Pool()})
		change(cfg)
		p := newPair(t, cfg, quick(serverConfig(t)))
		p.mustNegotiate(t)
		if s := p.server.State(); s.ServerName != "" {
			t.Errorf("%s: the server is asked for %q", name, s.ServerName)
		}
	}
}

// settersOf are the settings of one connection: what each is set to, and what comes of
// it.
var settersOf = []struct {
	name   string
	server bool
	set    func(c *Conn) error
	effect func(client, server State) bool
}{
	{"SetServerName", false, func(c *Conn) error { return c.SetServerName("other.example") }, func(_, s State) bool { return s.ServerName == "other.example" }},
	{"SetPolicy", false, func(c *Conn) error { return c.SetPolicy("default_tls13") }, func(c, _ State) bool { return c.Policy == "default_tls13" }},
	{"SetALPN", false, func(c *Conn) error { return c.SetALPN("two") }, func(c, _ State) bool { return c.ALPN == "two" }},
	{"SetALPN to none", false, func(c *Conn) error { return c.SetALPN() }, func(c, _ State) bool { return c.ALPN == "" }},
	{"SetClientAuth", true, func(c *Conn) error { return c.SetClientAuth(RequireClientAuth) }, func(_, s State) bool { return s.ClientAuth }},
	{"SetGroups", false, func(c *Conn) error { return c.SetGroups(iana.Secp384r1) }, func(c, _ State) bool { return c.Group == iana.Secp384r1 }},
	{"SetVersions", true, func(c *Conn) error { return c.SetVersions(0, iana.TLS12) }, func(c, s State) bool { return c.Version == iana.TLS12 && s.Version == iana.TLS12 }},
	{"SetKeyShares", false, func(c *Conn) error { return c.SetKeyShares(iana.Secp256r1) }, func(c, _ State) bool { return c.HelloRetry }},
	{"SetKeyShares to none", false, func(c *Conn) error { return c.SetKeyShares() }, func(c, _ State) bool { return c.HelloRetry }},
	{"SetSigningSchemes", true, func(c *Conn) error { return c.SetSigningSchemes(iana.Ed25519) }, func(c, _ State) bool { return c.PeerScheme == iana.Ed25519 }},
	{"SetSchemes", true, func(c *Conn) error { return c.SetSchemes(iana.Ed25519) }, func(c, _ State) bool { return c.PeerScheme == iana.Ed25519 }},
}

// settable is a pair for which each setting makes a difference.
func settable(t *testing.T) *pair {
	client, server := clientConfig(), serverConfig(t)
	client.ALPN, server.ALPN = []string{"one"}, []string{"one", "two"}
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}}), issue(t, testpeer.Template{DNSNames: []string{"client"}, Key: testpeer.KeyEd25519})}
	client.Schemes = []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.Ed25519}
	server.Certificates = append(server.Certificates, issue(t, testpeer.Template{DNSNames: []string{"other.example"}}), issue(t, testpeer.Template{Key: testpeer.KeyEd25519}))
	return newPair(t, client, server)
}

func TestSettingsOfOneConnection(t *testing.T) {
	for _, s := range settersOf {
		t.Run(s.name, func(t *testing.T) {
			p := settable(t)
			if s.effect(stateAfter(t, settable(t))) {
				t.Fatal("that is so without the setting")
			}
			c := p.client
			if s.server {
				c = p.server
			}
			if err := s.set(c); err != nil {
				t.Fatal(err)
			}
			if !s.effect(stateAfter(t, p)) {
				t.Errorf("client %+v\nserver %+v", p.client.State(), p.server.State())
			}
			failure{kind: ErrUsage, text: "after Negotiate has begun"}.check(t, s.name, s.set(c))
			exchange(t, p.client, p.server, []byte("no harm was done"))
		})
	}
	t.Run("once Negotiate has begun", func(t *testing.T) {
		for _, s := range settersOf {
			p := settable(t)
			_, _ = p.client.Negotiate()
			_, _ = p.server.Negotiate()
			c := p.client
			if s.server {
				c = p.server
			}
			failure{kind: ErrUsage, text: "after Negotiate has begun"}.check(t, s.name, s.set(c))
			if s.effect(stateAfter(t, p)) {
				t.Errorf("%s has an effect all the same", s.name)
			}
		}
	})
	t.Run("all at once", func(t *testing.T) {
		p := settable(t)
		for _, s := range settersOf {
			c := p.client
			if s.server {
				c = p.server
			}
			if !overruled(s.name) {
				if err := s.set(c); err != nil {
					t.Fatal(err)
				}
			}
		}
		client, server := stateAfter(t, p)
		for _, s := range settersOf {
			if !overruled(s.name) && !s.effect(client, server) {
				t.Errorf("%s is lost", s.name)
			}
		}
	})
}

// overruled names settings whose effect another one of them hides.
func overruled(name string) bool {
	return slices.Contains([]string{"SetALPN to none", "SetSchemes", "SetSigningSchemes", "SetKeyShares", "SetKeyShares to none", "SetVersions"}, name)
}

func stateAfter(t *testing.T, p *pair) (client, server State) {
	t.Helper()
	p.mustNegotiate(t)
	return p.client.State(), p.server.State()
}

// A setting that is refused leaves everything as it was.
func TestSettingsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		server bool
		set    func(c *Conn) error
		text   string
	}{
		"a server name on a server":                {true, func(c *Conn) error { return c.SetServerName("x") }, "SetServerName on a server"},
		"a server name of 256 bytes":               {false, func(c *Conn) error { return c.SetServerName(strings.Repeat("x", 256)) }, "256 bytes"},
		"a server name in UTF-8":                   {false, func(c *Conn) error { return c.SetServerName("b\u00fccher.example") }, "not visible ASCII"},
		"an unknown policy":                        {false, func(c *Conn) error { return c.SetPolicy("no such policy") }, "no such policy"},
		"an empty protocol":                        {false, func(c *Conn) error { return c.SetALPN("") }, "1 to 255"},
		"an unknown group":                         {false, func(c *Conn) error { return c.SetGroups(0x9999) }, "group"},
		"no groups":                                {false, func(c *Conn) error { return c.SetGroups() }, "group"},
		"an unknown scheme":                        {false, func(c *Conn) error { return c.SetSchemes(0x9999) }, "scheme"},
		"no schemes":                               {false, func(c *Conn) error { return c.SetSchemes() }, "scheme"},
		"versions the wrong way round":             {false, func(c *Conn) error { return c.SetVersions(iana.TLS13, iana.TLS12) }, "outside of"},
		"a key share of no group of ours":          {false, func(c *Conn) error { return c.SetKeyShares(0x9999) }, "key share"},
		"nothing to sign with":                     {true, func(c *Conn) error { return c.SetSigningSchemes() }, "SigningSchemes"},
		"nothing to verify with":                   {false, func(c *Conn) error { return c.SetVerifySchemes() }, "scheme"},
		"an unknown mode of client authentication": {true, func(c *Conn) error { return c.SetClientAuth(99) }, "ClientAuth"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, clientConfig(), serverConfig(t))
			conn := p.client
			if c.server {
				conn = p.server
			}
			failure{kind: ErrUsage, text: c.text}.check(t, name, c.set(conn))
			p.mustNegotiate(t)
		})
	}
}

// Any number of goroutines may make connections from one Config.
func TestConfigIsShared(t *testing.T) {
	client, server := quick(clientConfig()), quick(serverConfig(t))
	client.ALPN, server.ALPN = []string{"h2"}, []string{"h2"}
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for range rounds(20) {
				p := newPair(t, client, server)
				if i%2 == 0 {
					if err := p.client.SetPolicy("default_tls13"); err != nil {
						t.Error(err)
					}
				}
				if cerr, serr := p.negotiate(); cerr != nil || serr != nil {
					t.Error(cerr, serr)
				}
				p.client.Close()
				p.server.Close()
			}
		})
	}
	work.Wait()
}

// Clone copies every field that a program can set; a copy is not frozen.
func TestCloneCopiesEveryField(t *testing.T) {
	cfg := &Config{}
	v := reflect.ValueOf(cfg).Elem()
	set := func(f reflect.Value) {
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Func:
			f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { return nil }))
		case reflect.Interface:
			for _, v := range []any{io.Discard, NewMemoryStore(0), NewReplayRecorder(0)} {
				if reflect.TypeOf(v).Implements(f.Type()) {
					f.Set(reflect.ValueOf(v))
				}
			}
		case reflect.Int, reflect.Int64:
			f.SetInt(7)
		case reflect.Uint8, reflect.Uint16, reflect.Uint32:
			f.SetUint(7)
		default:
			t.Fatalf("a field of kind %v", f.Kind())
		}
	}
	fields := 0
	var walk func(from reflect.Value, then func(name string, f reflect.Value))
	walk = func(from reflect.Value, then func(name string, f reflect.Value)) {
		for i := range from.NumField() {
			switch f := from.Type().Field(i); {
			case !f.IsExported():
			case f.Anonymous:
				walk(from.Field(i), then)
			default:
				then(f.Name, from.Field(i))
			}
		}
	}
	walk(v, func(_ string, f reflect.Value) { set(f); fields++ })
	walk(reflect.ValueOf(cfg.Clone()).Elem(), func(name string, f reflect.Value) {
		if f.IsZero() {
			t.Errorf("%s is not copied", name)
		}
	})
	if fields < 30 {
		t.Errorf("only %d fields were looked at", fields)
	}
	frozen := clientConfig()
	p := newPair(t, frozen, serverConfig(t))
	_ = p
	clone := frozen.Clone()
	clone.Policy = "no such policy"
	end := &callbacks{in: &lane{}, out: &lane{}}
	if _, err := NewClient(end.recv, end.send, clone); err == nil {
		t.Error("the copy of a frozen Config is frozen")
	}
}

// Printing a connection shows none of its secrets.
func TestPrintingAConn(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	secret := p.client.secret.Bytes()
	decimal := strings.Trim(fmt.Sprint(secret[:8]), "[]")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d"} {
		text := fmt.Sprintf(verb, p.client)
		for _, leak := range []string{decimal, fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]), strings.Trim(fmt.Sprintf("%#v", secret[:8]), "[]byte{}")} {
			if strings.Contains(text, leak) {
				t.Errorf("%s prints the traffic secret", verb)
				break
			}
		}
	}
}
