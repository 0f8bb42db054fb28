package main

import (
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	const want = `a device that is known: sensor-17 has reported 21.5 degrees
one with another secret: tls: peer sent alert decrypt_error (51)
one that is unknown: tls: peer sent alert decrypt_error (51)
`
	if out.String() != want {
		t.Errorf("the output is\n%s", out.String())
	}
}
