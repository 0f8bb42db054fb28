package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// facts is the part of policies.json that the Go data is made from.
type facts struct {
	Deprecated []string    `json:"deprecated_policies"`
	Policies   orderedFact `json:"policies"`
}

// fact is one policy, by the registered names of its entries.
type fact struct {
	Name                               string   `json:"-"`
	Struct                             string   `json:"struct"`
	MinVersion                         string   `json:"min_version"`
	MaxVersion                         string   `json:"max_version"`
	CipherSuites                       []string `json:"cipher_suites"`
	AllowChaCha20Boosting              bool     `json:"allow_chacha20_boosting"`
	SignatureSchemes                   []string `json:"signature_algorithms_wire_order"`
	CertificateSignatureSchemes        []string `json:"certificate_signature_schemes"`
	CertificateKeys                    []string `json:"certificate_keys"`
	CertificatePreferencesApplyLocally bool     `json:"certificate_preferences_apply_locally"`
	Curves                             []string `json:"groups"`
	KEMGroups                          []string `json:"kem_groups"`
	StronglyPreferredGroups            []string `json:"strongly_preferred_groups"`
	Rules                              []string `json:"rules"`
}

// orderedFact is a JSON object of policies in the order of its names.
type orderedFact []fact

// UnmarshalJSON reads the object name by name: a map would lose the order of s2n's table.
func (o *orderedFact) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		f := fact{Name: fmt.Sprint(name)}
		if err := d.Decode(&f); err != nil {
			return fmt.Errorf("policy %s: %w", f.Name, err)
		}
		*o = append(*o, f)
	}
	return nil
}

func readFacts(file string) (*facts, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f := new(facts)
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
}
