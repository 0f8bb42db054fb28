package policy

import "github.com/s2ngo/s2ngo/iana"

// own are the policies of this module, after s2n's. A dated one never changes; when the
// choice moves on, a new date is added and s2ngo_default points to it.
var own = [...]entry{
	{"s2ngo_default", &policyS2ngo20261120},
	{"s2ngo_20261120", &policyS2ngo20261120},
}

// policyS2ngo20261120 is s2n's "20251014", its default, with Ed25519 (RFC 8032) as the
// most wanted signature. A server that holds an Ed25519 certificate beside others uses it
// with every peer that offers the scheme, as most programs but no browser do; with one
// certificate, and for a peer without Ed25519, all is as in "20251014".
var policyS2ngo20261120 = Policy{
	MinVersion: iana.TLS12,
	MaxVersion: iana.TLS13,
	CipherSuites: []iana.CipherSuite{
		iana.TLS_AES_128_GCM_SHA256,
		iana.TLS_AES_256_GCM_SHA384,
		iana.TLS_CHACHA20_POLY1305_SHA256,
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	},
	SignatureSchemes: []iana.SignatureScheme{
		iana.Ed25519,
		iana.ECDSASecp256r1SHA256,
		iana.ECDSASecp384r1SHA384,
		iana.ECDSASecp521r1SHA512,
		iana.RSAPSSPSSSHA256,
		iana.RSAPSSPSSSHA384,
		iana.RSAPSSPSSSHA512,
		iana.RSAPSSRSAESHA256,
		iana.RSAPSSRSAESHA384,
		iana.RSAPSSRSAESHA512,
		iana.RSAPKCS1SHA256,
		iana.RSAPKCS1SHA384,
		iana.RSAPKCS1SHA512,
	},
	Curves:    []iana.Group{iana.Secp256r1, iana.X25519, iana.Secp384r1, iana.Secp521r1},
	KEMGroups: []iana.Group{iana.X25519MLKEM768, iana.SecP256r1MLKEM768, iana.SecP384r1MLKEM1024},
	Rules:     []Rule{PerfectForwardSecrecy},
}
