package policy_test

import (
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

func Example() {
	p, err := policy.Lookup("default")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, "is", policy.Aliases(p.Name), "today")
	fmt.Println(p.Suites(iana.TLS13))
	fmt.Println(p.Groups(iana.TLS13)[0], p.Groups(iana.TLS12)[0])
	// Output:
	// default is [20251014] today
	// [TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256]
	// X25519MLKEM768 secp256r1
}

func ExampleLookup() {
	_, err := policy.Lookup("defualt")
	fmt.Println(err)
	// Output: policy: unknown security policy "defualt": closest is "default"
}

func ExampleRule_Check() {
	p, err := policy.Lookup("20250429")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range policy.PerfectForwardSecrecy.Check(p) {
		fmt.Println(v)
	}
	// Output: cipher suite #3, TLS_RSA_WITH_AES_256_GCM_SHA384, breaks perfect_forward_secrecy: the key exchange is not ephemeral
}

func ExampleSelectScheme() {
	p, err := policy.Lookup("s2ngo_default")
	if err != nil {
		fmt.Println(err)
		return
	}
	offered := iana.MakeList(iana.RSAPSSRSAESHA256, iana.Ed25519)
	s, ok := policy.SelectScheme(p.Schemes(iana.TLS13), offered, nil)
	fmt.Println(s, ok)
	// Output: ed25519 true
}

func ExampleBuilder() {
	p, err := policy.NewBuilder("payments").
		From("default").
		Suites(iana.TLS_AES_256_GCM_SHA384, iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384).
		Groups(iana.SecP256r1MLKEM768, iana.Secp256r1).
		CertificateKeys(policy.KeyECDSAP256, policy.KeyECDSAP384).
		Require(policy.FIPS140_3).
		Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, p.Suites(iana.TLS12), p.Groups(iana.TLS13), p.Rules)
	// Output:
	// payments [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384] [SecP256r1MLKEM768 secp256r1] [perfect_forward_secrecy fips_140_3]
}

func ExampleBuildError() {
	_, err := policy.NewBuilder("payments").
		From("20250429").
		Groups(iana.X25519, iana.X448).
		Require(policy.PerfectForwardSecrecy).
		Build()
	var broken *policy.BuildError
	if errors.As(err, &broken) {
		for _, v := range broken.Violations {
			fmt.Println(v)
		}
	}
	// Output:
	// group #2, x448: it is not implemented
	// cipher suite #3, TLS_RSA_WITH_AES_256_GCM_SHA384, breaks perfect_forward_secrecy: the key exchange is not ephemeral
}
