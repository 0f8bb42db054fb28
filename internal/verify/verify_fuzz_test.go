package verify_test

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
)

// FuzzJudge has every check look at whatever certificates can be parsed, trusted or not.
func FuzzJudge(f *testing.F) {
	root, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: seed, Intermediates: 1})
	if err != nil {
		f.Fatal(err)
	}
	for _, tpl := range []testpeer.Template{
		{DNSNames: []string{"a.example"}},
		{Key: testpeer.KeyRSAPSS2048},
		{IsCA: true, PathLen: 1, PermittedDNSDomains: []string{"b.example"}},
	} {
		i, err := root.Issue(tpl)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i.Chain[0], i.Chain[1])
	}
	f.Fuzz(func(t *testing.T, leaf, next []byte) {
		a, err := x509.ParseCertificate(leaf)
		if err != nil {
			return
		}
		sent := []*x509.Certificate{a}
		if b, err := x509.ParseCertificate(next); err == nil {
			sent = append(sent, b)
		}
		for _, roots := range [][]*x509.Certificate{{root.Root()}, {a}} {
			s := settings(roots...)
			s.VerifyHost = func(name string) bool { return name == "a.example" }
			valid, err := s.Client(sent)
			var e *verify.Error
			if err == nil && valid[0] != a || err != nil && (!errors.As(err, &e) || e.Reason == "") {
				t.Errorf("%d certificates, %v", len(valid), err)
			}
			s.SkipTime, s.VerifyHost = true, nil
			_, _ = s.Server(sent, "a.example")
			_ = verify.CheckRevocation(valid, nil, time.Time{})
		}
	})
}
