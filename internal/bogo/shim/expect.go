package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// check compares what the handshake has settled with what the flags expect.
func (x *exchange) check() error {
	o, s := x.options, x.conn.State()
	alpn := o.expectALPN
	if o.server {
		alpn = o.selectALPN
	}
	switch {
	case o.expectVersion != 0 && s.Version != iana.Version(o.expectVersion):
		return fmt.Errorf("version %v, expected %#x", s.Version, o.expectVersion)
	case o.expectCipher != 0 && s.CipherSuite != iana.CipherSuite(o.expectCipher):
		return fmt.Errorf("cipher suite %v, expected %#x", s.CipherSuite, o.expectCipher)
	case o.expectCurve != 0 && s.Group != iana.Group(o.expectCurve):
		return fmt.Errorf("group %v, expected %d", s.Group, o.expectCurve)
	case o.expectPeerSignatureAlgorithm != 0 && s.PeerScheme != iana.SignatureScheme(o.expectPeerSignatureAlgorithm):
		return fmt.Errorf("peer's signature scheme %v, expected %#x", s.PeerScheme, o.expectPeerSignatureAlgorithm)
	case o.expectPeerVerifyPrefs != nil && !slices.Equal(x.peerSchemes, o.expectPeerVerifyPrefs):
		return fmt.Errorf("peer's signature_algorithms %v, expected %v", x.peerSchemes, o.expectPeerVerifyPrefs)
	case o.expectHRR && !s.HelloRetry, o.expectNoHRR && s.HelloRetry:
		return fmt.Errorf("HelloRetryRequest: %v", s.HelloRetry)
	case o.expectExtendedMasterSecret && !s.ExtendedMasterSecret:
		return errors.New("no extended master secret")
	case (o.expectSecureRenegotiation || o.noLegacyServerConnect) && s.Version == iana.TLS12 && !s.SecureRenegotiation:
		return errors.New("no secure renegotiation")
	case o.expectNoSecureRenegotiation && s.SecureRenegotiation:
		return errors.New("secure renegotiation")
	case s.ALPN != alpn:
		return fmt.Errorf("application protocol %q, expected %q", s.ALPN, alpn)
	case o.expectServerName != "" && s.ServerName != o.expectServerName:
		return fmt.Errorf("server name %q, expected %q", s.ServerName, o.expectServerName)
	case !bytes.Equal(s.OCSPResponse, o.expectOCSPResponse) && o.expectOCSPResponse != nil:
		return fmt.Errorf("OCSP response %x, expected %x", s.OCSPResponse, o.expectOCSPResponse)
	case !bytes.Equal(s.SCTList, o.expectSCTs) && o.expectSCTs != nil:
		return fmt.Errorf("SCT list %x, expected %x", s.SCTList, o.expectSCTs)
	case o.expectNoPeerCert && s.PeerCertificates != nil:
		return errors.New("a certificate of the peer, expected none")
	case !o.expectNoPeerCert && (!o.server || o.requireClientCertificate) && s.PeerCertificates == nil:
		return errors.New("no certificate of the peer")
	case o.expectVerifyResult && !x.verified && !x.resumes && s.PeerCertificates != nil:
		return errors.New("the verdict was not asked for")
	case o.server && !x.helloSeen:
		return errors.New("OnClientHello was not called")
	}
	if err := x.checkSelected(&s); err != nil {
		return err
	}
	if err := x.checkAuthorities(); err != nil {
		return err
	}
	if err := x.checkSession(&s); err != nil {
		return err
	}
	if err := x.checkEarlyData(&s); err != nil {
		return err
	}
	if o.expectPeerCertFile != "" {
		want, err := readChain(o.expectPeerCertFile)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(s.PeerCertificates, want, func(c *x509.Certificate, der []byte) bool { return bytes.Equal(c.Raw, der) }) {
			return errors.New("the peer's chain is not the expected one")
		}
	}
	return nil
}

// readChain returns the certificates of a PEM file in DER.
func readChain(file string) (chain [][]byte, err error) {
	rest, err := os.ReadFile(file)
	for err == nil {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		chain = append(chain, block.Bytes)
	}
	return chain, err
}
