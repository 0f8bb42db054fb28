package policy_test

import (
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
