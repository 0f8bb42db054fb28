package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	const want = `first connection: resumed false, early data not requested: 42, asked after the handshake
second connection: resumed true, early data end: 42, asked early
the same bytes again: resumed true, early data rejected
`
	if out.String() != want {
		t.Errorf("the output is\n%s", out.String())
	}
}
