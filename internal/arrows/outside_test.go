package arrows

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOutsideModule builds a program of another module that uses conn, with an empty module cache,
// and looks at what it had to download: not what fleets, tokens and tests need.
func TestOutsideModule(t *testing.T) {
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, cache := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module outside.example/program\n\ngo 1.26\n\nrequire github.com/s2ngo/s2ngo v0.0.0\n\nreplace github.com/s2ngo/s2ngo => " + here + "\n",
		"main.go": "package main\n\nimport \"github.com/s2ngo/s2ngo/conn\"\n\nfunc main() { _, _ = conn.NewClient(nil, nil, nil) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "program"), ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOMODCACHE="+cache, "GOFLAGS=-mod=mod -modcacherw", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	found := map[string]bool{}
	err = filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".zip") {
			module, _, _ := strings.Cut(strings.TrimPrefix(path, filepath.Join(cache, "cache", "download")+"/"), "/@v/")
			found[module] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found["golang.org/x/crypto"] {
		t.Errorf("the cache was not used: %v", found)
	}
	for module := range found {
		switch module {
		case "filippo.io/bigmod", "github.com/cloudflare/circl", "golang.org/x/crypto", "golang.org/x/sys":
		default:
			t.Errorf("%s was downloaded", module)
		}
	}
}
