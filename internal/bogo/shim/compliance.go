package main

import (
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// compliance are the policies that BoringSSL has a flag for, as an application would put them
// together.
var compliance = map[string]*policy.Builder{
	"-fips-202205": policy.NewBuilder("SP 800-52r2").
		Suites(iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384,
			iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384).
		Groups(iana.Secp256r1, iana.Secp384r1).
		Schemes(iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512,
			iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384,
			iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512).
		Require(policy.FIPS140_3, policy.PerfectForwardSecrecy),
	"-wpa-202304": policy.NewBuilder("WPA3, 192 bits").
		Suites(iana.TLS_AES_256_GCM_SHA384,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384).
		Groups(iana.Secp384r1).
		Schemes(iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512, iana.ECDSASecp384r1SHA384,
			iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512),
	"-cnsa1-202603": policy.NewBuilder("CNSA 1.0").
		Suites(iana.TLS_AES_256_GCM_SHA384,
			iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			iana.TLS_RSA_WITH_AES_256_GCM_SHA384).
		Groups(iana.MLKEM1024, iana.Secp384r1).
		Schemes(iana.ECDSASecp384r1SHA384, iana.RSAPSSRSAESHA384, iana.RSAPKCS1SHA384),
	"-cnsa2-202603": policy.NewBuilder("CNSA 2.0").
		Suites(iana.TLS_AES_256_GCM_SHA384).
		Groups(iana.MLKEM1024).
		Schemes(iana.ECDSASecp384r1SHA384, iana.RSAPSSRSAESHA384),
}

// complies is for a flag that chooses one of them.
func complies(name string) flag {
	return flag{false, func(o *options, _ string) error {
		o.compliance = compliance[name]
		return nil
	}}
}
