package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// names is for a list of certificate authorities, in hex; <NULL> and <EMPTY> are none.
func names(field func(*options) *[][]byte) flag {
	return flag{true, func(o *options, value string) error {
		if value == "<NULL>" || value == "<EMPTY>" {
			return nil
		}
		for text := range strings.SplitSeq(value, ",") {
			name, err := hex.DecodeString(text)
			if err != nil {
				return err
			}
			*field(o) = append(*field(o), name)
		}
		return nil
	}}
}

// checkAuthorities compares the authorities that the server named.
func (s *session) checkAuthorities() error {
	if want := s.options.expectClientCAs; want != nil && !slices.EqualFunc(s.authorities, want, bytes.Equal) {
		return fmt.Errorf("certificate authorities %x, expected %x", s.authorities, want)
	}
	return nil
}

// trafficSecrets are the first of application data, from the key log.
type trafficSecrets struct{ client, server []byte }

// Write takes a line of the key log.
func (t *trafficSecrets) Write(line []byte) (int, error) {
	fields := strings.Fields(string(line))
	secret, err := hex.DecodeString(fields[len(fields)-1])
	switch fields[0] {
	case "CLIENT_TRAFFIC_SECRET_0":
		t.client = secret
	case "SERVER_TRAFFIC_SECRET_0":
		t.server = secret
	}
	return len(line), err
}

// exportTrafficSecrets sends the length of the secrets, the one to read with and the other.
func (x *exchange) exportTrafficSecrets() error {
	read, write := x.secrets.server, x.secrets.client
	if x.options.server {
		read, write = write, read
	}
	return x.write(slices.Concat([]byte{byte(len(read)), byte(len(read) >> 8)}, read, write))
}
