package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// suites13 are the suites of TLS 1.3, which -cipher does not speak of.
var suites13 = []iana.CipherSuite{
	iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_CHACHA20_POLY1305_SHA256,
}

// suites12 are the suites of TLS 1.2 that BoringSSL has by default, in its order.
var suites12 = []iana.CipherSuite{
	iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	iana.TLS_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_256_GCM_SHA384,
	iana.TLS_RSA_WITH_AES_128_CBC_SHA, iana.TLS_RSA_WITH_AES_256_CBC_SHA,
	iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
}

// A preference is a list of groups, of suites or curves: within a group the client's order counts.
type preference[T comparable] [][]T

// preferences reads what of OpenSSL's strings for cipher lists the runner uses: names,
// ALL, DEFAULT, AES128, AES, 3DES, a "!" before one of them, and groups in brackets.
func preferences(text string) (preference[iana.CipherSuite], error) {
	if text == "" {
		return preference[iana.CipherSuite]{suites12}, nil
	}
	var all preference[iana.CipherSuite]
	var without []iana.CipherSuite
	for _, item := range strings.Split(text, ":") {
		rest, not := strings.CutPrefix(item, "!")
		if list, ok := strings.CutPrefix(rest, "["); ok {
			var group []iana.CipherSuite
			for _, name := range strings.Split(strings.TrimSuffix(list, "]"), "|") {
				some, err := suitesOf(name)
				if err != nil {
					return nil, err
				}
				group = append(group, some...)
			}
			all = append(all, group)
			continue
		}
		some, err := suitesOf(rest)
		if err != nil {
			return nil, err
		}
		if not {
			without = append(without, some...)
			continue
		}
		for _, id := range some {
			all = append(all, []iana.CipherSuite{id})
		}
	}
	for i, group := range all {
		all[i] = slices.DeleteFunc(slices.Clone(group), func(id iana.CipherSuite) bool { return slices.Contains(without, id) })
	}
	return all, nil
}

// suitesOf returns what one word of a cipher list stands for.
func suitesOf(word string) (list []iana.CipherSuite, err error) {
	part := ""
	switch word {
	case "ALL", "DEFAULT":
		return suites12, nil
	case "3DES":
		return []iana.CipherSuite{iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, nil
	case "AES128":
		part = "AES_128"
	case "AES":
		part = "AES"
	}
	for _, id := range append(slices.Clone(suites12), iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA) {
		if part != "" && strings.Contains(id.String(), part) || id.String() == word {
			list = append(list, id)
		}
	}
	if list == nil {
		return nil, fmt.Errorf("cipher list item %q: %w", word, errUnimplemented)
	}
	return list, nil
}

// order returns all one after the other: within a group, those that the client offers in its
// order, then the others.
func (p preference[T]) order(offered []T) (list []T) {
	for _, group := range p {
		for _, id := range offered {
			if slices.Contains(group, id) {
				list = append(list, id)
			}
		}
		for _, id := range group {
			if !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
	}
	return list
}
