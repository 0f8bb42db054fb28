package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// selfSign makes a throwaway authority and a certificate for names, comma separated host
// names and addresses. The authority's certificate is in a file, which is printed and
// which remove deletes; its key is gone.
func selfSign(names string) (cert *conn.Certificate, remove func(), err error) {
	var t testpeer.Template
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if ip := net.ParseIP(name); ip != nil {
			t.IPs = append(t.IPs, ip)
		} else if name != "" {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	fail := func(err error) (*conn.Certificate, func(), error) {
		return nil, nil, fmt.Errorf("--self-signed %s: %w", names, err)
	}
	authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{})
	if err != nil {
		return fail(err)
	}
	issued, err := authority.Issue(t)
	if err != nil {
		return fail(err)
	}
	if cert, err = conn.NewCertificate(issued.Chain, issued.Key); err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp("", "s2ngo-ca-")
	if err != nil {
		return fail(err)
	}
	remove = func() { os.RemoveAll(dir) }
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, authority.RootPEM(), 0o644); err != nil {
		remove()
		return fail(err)
	}
	fmt.Fprintf(os.Stderr, "CA certificate: %s\n", file)
	return cert, remove, nil
}
