package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 100, 50*time.Millisecond, 20); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	var suspended, left, complete, goroutines, signed, spared int
	var took string
	_, err := fmt.Sscanf(out.String(), "%d handshakes are suspended, %d clients have hung up\n"+
		"%d handshakes complete in %s %d goroutines at most\nthe token signed %d times, was spared %d times;",
		&suspended, &left, &complete, &took, &goroutines, &signed, &spared)
	if err != nil || suspended != 90 || left != 10 || complete != 90 {
		t.Errorf("%v:\n%s", err, out.String())
	}
	if signed < 90 || signed+spared > 100 || goroutines > 40 {
		t.Errorf("the output is\n%s", out.String())
	}
}
