package cli

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/pkcs11"
)

// tokenWorkers is what --async is by default if keys are in a token.
const tokenWorkers = 4

// Credentials are the options for certificates and their keys.
type Credentials struct {
	Certs, Keys []string
	// certsBefore counts for each of Keys the certificates in front of it.
	certsBefore []int

	Modules, URIs, PINFiles, InitArgs []string
}

// AddCertificates adds the options for certificates and where their keys are.
func (c *Credentials) AddCertificates(f *Flags) {
	f.Strings(&c.Certs, "cert", "FILE", "certificate chain, leaf first, PEM; repeatable. Its key is in\nthe --key behind it, or in a token")
	f.Func("key", "FILE", "its private key, PEM", func(s string) error {
		c.Keys, c.certsBefore = append(c.Keys, s), append(c.certsBefore, len(c.Certs))
		return nil
	})
}

// AddTokens adds the options for tokens.
func (c *Credentials) AddTokens(f *Flags) {
	f.Strings(&c.Modules, "pkcs11-module", "FILE", "the PKCS #11 module of a token, a shared library")
	f.Strings(&c.URIs, "pkcs11-uri", "URI", "the token, and in it the key, as in\n\"pkcs11:token=web;object=site\" (RFC 7512); repeatable. Without\n--cert the token's certificates are served")
	f.Strings(&c.PINFiles, "pin-file", "FILE", "the token's PIN")
	f.Strings(&c.InitArgs, "pkcs11-args", "STRING", "what the module wants to be initialized with, as NSS does;\nthese three once, or once for each --pkcs11-uri")
}

// FromToken reports whether any of the options is about a token.
func (c *Credentials) FromToken() bool {
	return len(c.Modules)+len(c.URIs)+len(c.PINFiles)+len(c.InitArgs) > 0
}

// Any reports whether there is an option for a certificate or a key at all.
func (c *Credentials) Any() bool { return len(c.Certs)+len(c.Keys) > 0 || c.FromToken() }

// pairs gives each certificate its key's file, "" where a token has the key.
func (c *Credentials) pairs() ([]string, error) {
	keys := make([]string, len(c.Certs))
	switch {
	case len(c.Keys) > len(c.Certs):
		return nil, Usage("--key "+c.Keys[len(c.Certs)], "needs a --cert before it")
	case len(c.Keys) == len(c.Certs):
		copy(keys, c.Keys)
		return keys, nil
	case !c.FromToken():
		return nil, Usage("--cert "+c.Certs[len(c.Keys)], "needs a --key behind it, or --pkcs11-uri")
	}
	for i, key := range c.Keys {
		at := c.certsBefore[i] - 1
		if at < 0 || keys[at] != "" {
			return nil, Usage("--key "+key, "needs a --cert of its own right before it")
		}
		keys[at] = key
	}
	return keys, nil
}

// load reads the certificates and finds their keys. close ends what belongs to the keys.
func (c *Credentials) load(workers int) (list []*conn.Certificate, close func(), err error) {
	keys, err := c.pairs()
	if err != nil {
		return nil, nil, err
	}
	tokens, err := c.open(workers)
	if err != nil {
		return nil, nil, err
	}
	close = func() {
		for _, t := range tokens {
			// What is not done within its time is left to the end of the program.
			_ = t.Close()
		}
	}
	if list, err = c.find(keys, tokens); err != nil {
		close()
		return nil, nil, err
	}
	return list, close, nil
}

// find reads the certificates, and those of the tokens if no other is named, and finds their keys.
func (c *Credentials) find(keys []string, tokens []token) (list []*conn.Certificate, err error) {
	for i, file := range c.Certs {
		var cert *conn.Certificate
		if keys[i] != "" {
			cert, err = conn.LoadCertificate(file, keys[i])
		} else {
			cert, err = loadFor(tokens, file)
		}
		if err != nil {
			return nil, fmt.Errorf("--cert %s: %w", file, err)
		}
		list = append(list, cert)
	}
	if len(c.Certs) > 0 {
		return list, nil
	}
	for _, t := range tokens {
		own, err := t.certificates()
		if err != nil {
			return nil, fmt.Errorf("--pkcs11-uri %v: %w", t.uri, err)
		}
		list = append(list, own...)
	}
	return list, nil
}

// token is an open token and how it was asked for.
type token struct {
	*pkcs11.Token
	uri *pkcs11.URI
}

// open opens the tokens. Each does so many operations at once.
func (c *Credentials) open(workers int) (tokens []token, err error) {
	if !c.FromToken() {
		return nil, nil
	}
	uris := c.URIs
	if len(uris) == 0 {
		uris = []string{"pkcs11:"}
	}
	defer func() {
		if err != nil {
			for _, t := range tokens {
				_ = t.Close()
			}
		}
	}()
	for i, text := range uris {
		uri, err := pkcs11.ParseURI(text)
		if err != nil {
			return tokens, Usage("--pkcs11-uri", "%v", err)
		}
		cfg := pkcs11.Config{Workers: max(1, workers), CloseTimeout: closeLimit}
		var pinFile string
		for _, o := range []struct {
			name string
			list []string
			to   *string
		}{{"pkcs11-module", c.Modules, &cfg.Module}, {"pkcs11-args", c.InitArgs, &cfg.InitArgs}, {"pin-file", c.PINFiles, &pinFile}} {
			switch len(o.list) {
			case 0:
			case 1:
				*o.to = o.list[0]
			case len(uris):
				*o.to = o.list[i]
			default:
				return tokens, Usage(fmt.Sprintf("--%s %s", o.name, o.list[len(o.list)-1]), "there are %d of them for %d --pkcs11-uri", len(o.list), len(uris))
			}
		}
		if pinFile != "" {
			if uri.PINSource != "" || uri.PINValue != nil {
				return tokens, Usage("--pin-file "+pinFile, "the URI has a PIN of its own")
			}
			withPIN := *uri
			withPIN.PINSource = pinFile
			text = withPIN.String()
		}
		cfg.URI = text
		t, err := pkcs11.Open(cfg)
		if err != nil {
			return tokens, fmt.Errorf("--pkcs11-uri %v: %w", uri, err)
		}
		tokens = append(tokens, token{t, uri})
	}
	return tokens, nil
}

// loadFor reads a chain and finds its key in one of the tokens.
func loadFor(tokens []token, file string) (*conn.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, bare(err)
	}
	public, err := conn.ParseCertificate(text, nil)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, t := range tokens {
		key, err := t.KeyFor(public.Leaf)
		if err == nil {
			return conn.NewCertificate(public.Chain, key)
		}
		failed = err
	}
	return nil, failed
}

// certificates returns the certificates in the token that its URI fits and that have a private key
// there, each with what there is of its chain.
func (t *token) certificates() (list []*conn.Certificate, err error) {
	leaves, err := t.Certificates("")
	if err != nil {
		return nil, err
	}
	all, err := t.Certificates("pkcs11:")
	if err != nil {
		return nil, err
	}
	for _, leaf := range leaves {
		key, err := t.KeyFor(leaf)
		if errors.Is(err, pkcs11.ErrNoKey) {
			continue // an authority's
		}
		if err != nil {
			return nil, err
		}
		cert, err := conn.NewCertificate(chainOf(leaf, all), key)
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	if len(list) == 0 {
		return nil, errors.New("the token has no certificate of a key: give --cert")
	}
	return list, nil
}

// chainOf returns leaf and those of all that lead up from it, without a root.
func chainOf(leaf *x509.Certificate, all []*x509.Certificate) [][]byte {
	const depth = 7
	chain := [][]byte{leaf.Raw}
	for len(chain) < depth {
		i := slices.IndexFunc(all, func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawSubject, leaf.RawIssuer) && !bytes.Equal(c.RawSubject, c.RawIssuer) && leaf.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		leaf = all[i]
		chain = append(chain, leaf.Raw)
	}
	return chain
}
