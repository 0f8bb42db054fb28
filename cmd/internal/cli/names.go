package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// knownGroups and knownSchemes are what --groups and --schemes take by name.
var (
	knownGroups = []iana.Group{
		iana.X25519MLKEM768, iana.SecP256r1MLKEM768, iana.SecP384r1MLKEM1024, iana.MLKEM1024, iana.MLKEM768, iana.MLKEM512,
		iana.X25519, iana.Secp256r1, iana.Secp384r1, iana.Secp521r1, iana.X448,
		iana.FFDHE2048, iana.FFDHE3072, iana.FFDHE4096, iana.FFDHE6144, iana.FFDHE8192,
	}
	knownSchemes = []iana.SignatureScheme{
		iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512, iana.Ed25519, iana.Ed448,
		iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512,
		iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512,
		iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512, iana.RSAPKCS1SHA224, iana.RSAPKCS1SHA1,
		iana.ECDSASHA224, iana.ECDSASHA1, iana.MLDSA44, iana.MLDSA65, iana.MLDSA87,
	}
)

// parseNames reads a comma-separated list of registered names, in which case does not
// matter, or of numbers like 0x001d.
func parseNames[T interface {
	~uint16
	fmt.Stringer
}](known []T, list string) ([]T, error) {
	var found []T
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		value, ok := parseName(known, name)
		if !ok {
			names := make([]string, len(known))
			for i, k := range known {
				names[i] = k.String()
			}
			return nil, fmt.Errorf("no such name: %q; there are %s", name, strings.Join(names, ", "))
		}
		if slices.Contains(found, value) {
			return nil, fmt.Errorf("%v stands there twice", value)
		}
		found = append(found, value)
	}
	return found, nil
}

func parseName[T interface {
	~uint16
	fmt.Stringer
}](known []T, name string) (value T, ok bool) {
	for _, k := range known {
		if strings.EqualFold(k.String(), name) {
			return k, true
		}
	}
	digits, ok := strings.CutPrefix(strings.ToLower(name), "0x")
	n, err := strconv.ParseUint(digits, 16, 16)
	return T(n), ok && err == nil
}

// ParseSize reads a number of bytes, which may end in k, M or G (powers of 1024).
func ParseSize(s string) (int, error) {
	digits, shift := s, 0
	for i, unit := range []string{"k", "M", "G"} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			digits, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n<<shift > 1<<31-1 {
		return 0, fmt.Errorf("not a number of bytes up to %d", 1<<31-1)
	}
	return int(n << shift), nil
}

// splitList reads a comma-separated list of names that are not empty.
func splitList(list string) ([]string, error) {
	names := strings.Split(list, ",")
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); names[i] == "" {
			return nil, fmt.Errorf("an empty name in the list")
		}
	}
	return names, nil
}
