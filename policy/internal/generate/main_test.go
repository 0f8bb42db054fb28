package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const policyDir = "../.."

func TestTheDataFilesAreWhatIsGenerated(t *testing.T) {
	files, err := generate(filepath.Join(policyDir, "testdata", "policies.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(policyDir, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the facts make of it: run go generate", name)
		}
		if n := bytes.Count(want, []byte("\n")); n >= 500 {
			t.Errorf("%s has %d lines: give its policies to another family", name, n)
		}
	}
	onDisk, err := filepath.Glob(filepath.Join(policyDir, "named_*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range onDisk {
		if files[filepath.Base(path)] == nil {
			t.Errorf("%s is generated no more", path)
		}
	}
}

func TestFactsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		says, facts, want string
	}{
		{"there is no JSON", "policies", "invalid character"},
		{"an entry has no Go constant", `{"policies": {"a": {"struct": "security_policy_a", "min_version": "TLS1.2",
			"max_version": "TLS1.3", "groups": ["secp160k1"]}}}`, `no Go constant is known for "secp160k1"`},
		{"a policy is not an object", `{"policies": {"a": 1}}`, "policy a: "},
		{"a suite's name is not one word", `{"policies": {"a": {"struct": "security_policy_a", "min_version": "TLS1.2",
			"max_version": "TLS1.3", "cipher_suites": ["TLS_A B"]}}}`, "named_suites_"},
	} {
		path := filepath.Join(t.TempDir(), "policies.json")
		if err := os.WriteFile(path, []byte(c.facts), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := generate(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.says, err, c.want)
		}
	}
	if _, err := generate(filepath.Join(t.TempDir(), "absent.json")); !os.IsNotExist(err) {
		t.Errorf("there is no file: error is %v", err)
	}
}

func TestStem(t *testing.T) {
	for _, c := range []struct{ structName, want string }{
		{"security_policy_20251014", "20251014"},
		{"security_policy_elb_tls_1_2_ext_2018_06", "ELBTLS1_2Ext2018_06"},
		{"security_policy_cloudfront_tls_1_2_2021_no_sha1", "CloudFrontTLS1_2_2021NoSHA1"},
		{"security_policy_aws_crt_sdk_ssl_v3_06_23", "AWSCRTSDKSSLV3_06_23"},
		{"security_policy_pq_tls_1_2_2024_10_08_gcm", "PQTLS1_2_2024_10_08GCM"},
	} {
		if got := stem(c.structName); got != c.want {
			t.Errorf("%s is %s, want %s", c.structName, got, c.want)
		}
	}
}
