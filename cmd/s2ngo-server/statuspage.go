package main

import (
	"bytes"
	"html/template"

	"github.com/s2ngo/s2ngo/conn"
)

var statusTemplate = template.Must(template.New("status").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>s2ngo-server</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
th { font-weight: 500; opacity: .7; width: 14rem }
td { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
</style>
</head>
<body>
<h1>This page came over s2ngo</h1>
<table>
{{range .}}<tr><th>{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}</table>
</body>
</html>
`))

type fact struct {
	Name  string
	Value any
}

// statusPage tells a client of its own connection.
func statusPage(c *conn.Conn, requests int) []byte {
	s := c.State()
	facts := []fact{
		{"Protocol", s.Version},
		{"Cipher suite", s.CipherSuite},
		{"Key exchange", s.Group},
		{"Server's signature", s.Scheme},
		{"Security policy", s.Policy},
	}
	optional := func(name string, value any, there bool) {
		if there {
			facts = append(facts, fact{name, value})
		}
	}
	optional("Server name", s.ServerName, s.ServerName != "")
	optional("Application protocol", s.ALPN, s.ALPN != "")
	optional("Client's signature", s.PeerScheme, s.PeerScheme != 0)
	if len(s.PeerCertificates) > 0 {
		facts = append(facts, fact{"Client's certificate", s.PeerCertificates[0].Subject})
	}
	optional("HelloRetryRequest", "was needed", s.HelloRetry)
	facts = append(facts,
		fact{"Waits for the peer", s.ReadBlocked},
		fact{"Waits for the private key", s.ApplicationBlocked},
		fact{"Requests on this connection", requests})
	var b bytes.Buffer
	if err := statusTemplate.Execute(&b, facts); err != nil {
		return []byte(err.Error())
	}
	return b.Bytes()
}
