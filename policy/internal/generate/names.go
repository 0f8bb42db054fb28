package main

import (
	"fmt"
	"strings"
)

// goNames maps registered names to the Go constants for them; cipher suites have the
// same name in both.
var goNames = map[string]string{
	"SSLv3":  "iana.SSL30",
	"TLS1.0": "iana.TLS10",
	"TLS1.1": "iana.TLS11",
	"TLS1.2": "iana.TLS12",
	"TLS1.3": "iana.TLS13",

	"rsa_pkcs1_sha1":         "iana.RSAPKCS1SHA1",
	"rsa_pkcs1_sha224":       "iana.RSAPKCS1SHA224",
	"rsa_pkcs1_sha256":       "iana.RSAPKCS1SHA256",
	"rsa_pkcs1_sha384":       "iana.RSAPKCS1SHA384",
	"rsa_pkcs1_sha512":       "iana.RSAPKCS1SHA512",
	"ecdsa_sha1":             "iana.ECDSASHA1",
	"ecdsa_sha224":           "iana.ECDSASHA224",
	"ecdsa_secp256r1_sha256": "iana.ECDSASecp256r1SHA256",
	"ecdsa_secp384r1_sha384": "iana.ECDSASecp384r1SHA384",
	"ecdsa_secp521r1_sha512": "iana.ECDSASecp521r1SHA512",
	"rsa_pss_rsae_sha256":    "iana.RSAPSSRSAESHA256",
	"rsa_pss_rsae_sha384":    "iana.RSAPSSRSAESHA384",
	"rsa_pss_rsae_sha512":    "iana.RSAPSSRSAESHA512",
	"rsa_pss_pss_sha256":     "iana.RSAPSSPSSSHA256",
	"rsa_pss_pss_sha384":     "iana.RSAPSSPSSSHA384",
	"rsa_pss_pss_sha512":     "iana.RSAPSSPSSSHA512",
	"mldsa44":                "iana.MLDSA44",
	"mldsa65":                "iana.MLDSA65",
	"mldsa87":                "iana.MLDSA87",

	"secp256r1":          "iana.Secp256r1",
	"secp384r1":          "iana.Secp384r1",
	"secp521r1":          "iana.Secp521r1",
	"x25519":             "iana.X25519",
	"MLKEM1024":          "iana.MLKEM1024",
	"X25519MLKEM768":     "iana.X25519MLKEM768",
	"SecP256r1MLKEM768":  "iana.SecP256r1MLKEM768",
	"SecP384r1MLKEM1024": "iana.SecP384r1MLKEM1024",

	"ecdsa_p384":   "KeyECDSAP384",
	"rsa_3072":     "KeyRSA3072",
	"rsa_4096":     "KeyRSA4096",
	"rsa_pss_3072": "KeyRSAPSS3072",
	"rsa_pss_4096": "KeyRSAPSS4096",
	"mldsa_87":     "KeyMLDSA87",

	"perfect_forward_secrecy": "PerfectForwardSecrecy",
	"fips_140_3":              "FIPS140_3",
}

// goName returns the Go constant for a registered name.
func goName(name string) (string, error) {
	if strings.HasPrefix(name, "TLS_") {
		return "iana." + name, nil
	}
	if n, ok := goNames[name]; ok {
		return n, nil
	}
	return "", fmt.Errorf("no Go constant is known for %q", name)
}

// words are the parts of struct names that Go does not write with one capital.
var words = map[string]string{
	"aws": "AWS", "crt": "CRT", "sdk": "SDK", "elb": "ELB", "kms": "KMS", "fips": "FIPS",
	"tls": "TLS", "tls10": "TLS10", "tls11": "TLS11", "tls12": "TLS12", "tls13": "TLS13", "ssl": "SSL",
	"fs": "FS", "pq": "PQ", "gcm": "GCM", "sha1": "SHA1", "sha256": "SHA256",
	"cloudfront": "CloudFront", "chacha20": "ChaCha20",
}

// stem returns the middle of the Go names for a C struct and its lists:
// "CloudFrontTLS1_2_2019" for security_policy_cloudfront_tls_1_2_2019.
func stem(structName string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(structName, "security_policy_"), "_") {
		word, ok := words[part]
		if !ok {
			word = strings.ToUpper(part[:1]) + part[1:]
		}
		if s := b.String(); s != "" && isDigit(s[len(s)-1]) && isDigit(word[0]) {
			b.WriteByte('_') // 1_2 is not 12
		}
		b.WriteString(word)
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// family returns which of the data files a struct belongs to.
func family(structName string) string {
	name := strings.TrimPrefix(structName, "security_policy_")
	switch {
	case strings.HasPrefix(name, "cloudfront"):
		return "cloudfront"
	case strings.HasPrefix(name, "elb"):
		return "elb"
	case strings.HasPrefix(name, "aws_crt"), strings.HasPrefix(name, "kms"), strings.HasPrefix(name, "pq"):
		return "aws"
	case name < "2023":
		return "until2022"
	case name < "2026":
		return "until2025"
	}
	return "since2026"
}
