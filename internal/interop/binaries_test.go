package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuild builds two small programs as Binaries builds ours.
func TestBuild(t *testing.T) {
	source, _ := writeFile(t, "go.mod", "module example.test/m\n\ngo 1.26\n", 0o600)
	for name, text := range map[string]string{
		"good/main.go": "package main\n\nfunc main() { println(\"well built\") }\n",
		"bad/main.go":  "package main\n\nfunc main() { undefined() }\n",
	} {
		path := filepath.Join(source, name)
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := build(source, dir, "./good"); err != nil {
		t.Fatal(err)
	}
	if got := Run(t, filepath.Join(dir, "good")).Stderr; got != "well built\n" {
		t.Errorf("the program says %q", got)
	}
	if err := build(source, dir, "./bad"); err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("a program that does not compile gives %v", err)
	}
}
