package conn

import (
	"os"
	"strings"
	"testing"
)

// TestPagesCompile holds the code of README.md and of the pages in docs to that of a file of
// examples, which the compiler has seen.
func TestPagesCompile(t *testing.T) {
	for _, c := range []struct {
		page, source string
		least        int // blocks of Go
	}{
		{"../README.md", "example_test.go", 3},
		{"../docs/ASYNC.md", "example_async_test.go", 5},
		{"../docs/RESUMPTION.md", "example_resumption_test.go", 4},
	} {
		page, err := os.ReadFile(c.page)
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(c.source)
		if err != nil {
			t.Fatal(err)
		}
		compiled := flatten(string(source))
		blocks := strings.Split(string(page), "```go\n")[1:]
		if len(blocks) < c.least {
			t.Errorf("%s has %d blocks of Go", c.page, len(blocks))
		}
		for i, b := range blocks {
			code, _, _ := strings.Cut(b, "```")
			if !strings.Contains(compiled, flatten(code)) {
				t.Errorf("block %d of %s does not stand in %s:\n%s", i+1, c.page, c.source, code)
			}
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
