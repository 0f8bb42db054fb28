package conn

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeCompiles holds the code of README.md to that of example_test.go, which the
// compiler has seen.
func TestReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	compiled := flatten(string(source))
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 3 {
		t.Errorf("README.md has %d blocks of Go", len(blocks))
	}
	for i, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		if !strings.Contains(compiled, flatten(code)) {
			t.Errorf("block %d of README.md does not stand in example_test.go:\n%s", i+1, code)
		}
	}
}

// flatten takes the indentation away.
func flatten(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}
