package testpeer

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
)

// What crypto/x509 does not make is made by taking one of its certificates apart and
// signing the changed body again.

var (
	oidRSASSAPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMD5WithRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 4}
)

type certificateDER struct {
	Body      bodyDER
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

// bodyDER is the TBSCertificate of RFC 5280, Section 4.1, as crypto/x509 writes it.
type bodyDER struct {
	Raw        asn1.RawContent
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  asn1.RawValue
	Issuer     asn1.RawValue
	Validity   asn1.RawValue
	Subject    asn1.RawValue
	PublicKey  publicKeyDER
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

type publicKeyDER struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// bindToPSS gives the public key the identifier id-RSASSA-PSS without parameters.
func bindToPSS(der []byte, issuer crypto.Signer, entropy io.Reader) ([]byte, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return rewrite(der, func(b *bodyDER) {
		b.PublicKey.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSASSAPSS}
	}, func(body []byte) ([]byte, error) { return sign(body, issuer, cert.SignatureAlgorithm, entropy) })
}

// signWithMD5 replaces the signature by one of RSA with MD5.
func signWithMD5(der []byte, issuer crypto.Signer) ([]byte, error) {
	return rewrite(der, func(b *bodyDER) {
		b.Algorithm = md5WithRSA()
	}, func(body []byte) ([]byte, error) {
		h := crypto.MD5.New()
		h.Write(body)
		return issuer.Sign(rand.Reader, h.Sum(nil), crypto.MD5)
	})
}

func md5WithRSA() asn1.RawValue {
	der, err := asn1.Marshal(pkix.AlgorithmIdentifier{Algorithm: oidMD5WithRSA, Parameters: asn1.NullRawValue})
	if err != nil {
		panic(err) // of a constant
	}
	return asn1.RawValue{FullBytes: der}
}

func rewrite(der []byte, change func(*bodyDER), resign func(body []byte) ([]byte, error)) ([]byte, error) {
	var c certificateDER
	if rest, err := asn1.Unmarshal(der, &c); err != nil || len(rest) > 0 {
		return nil, errors.Join(errors.New("certificate does not come apart"), err)
	}
	change(&c.Body)
	c.Body.Raw = nil
	c.Algorithm = c.Body.Algorithm
	body, err := asn1.Marshal(c.Body)
	if err != nil {
		return nil, err
	}
	signature, err := resign(body)
	if err != nil {
		return nil, err
	}
	c.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	return asn1.Marshal(c)
}

func sign(body []byte, issuer crypto.Signer, algorithm x509.SignatureAlgorithm, entropy io.Reader) ([]byte, error) {
	var opts crypto.SignerOpts
	switch algorithm {
	case x509.SHA256WithRSAPSS:
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		opts = crypto.SHA1
	case x509.SHA256WithRSA, x509.ECDSAWithSHA256:
		opts = crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384:
		opts = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512:
		opts = crypto.SHA512
	case x509.PureEd25519:
		opts = crypto.Hash(0)
	default:
		return nil, errors.New("no way to sign again with " + algorithm.String())
	}
	return crypto.SignMessage(issuer, entropy, body, opts)
}

// marshalKey returns key in PKCS#8; for a key of kind KeyRSAPSS2048 with the identifier
// id-RSASSA-PSS, which crypto/x509 does not write.
func marshalKey(key crypto.Signer, k KeyKind) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil || !isPSS(k) {
		return der, err
	}
	var p struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if rest, err := asn1.Unmarshal(der, &p); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.Join(errors.New("PKCS#8 does not come apart"), err)
	}
	p.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSASSAPSS}
	return asn1.Marshal(p)
}
