package arrows

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestArrows compares the module with the table, for this platform's files and for those that
// build constraints leave out here.
func TestArrows(t *testing.T) {
	root := filepath.Join("..", "..")
	visit(t, root)
	pkgs := list(t, root)
	if len(pkgs) < 2 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		addIgnored(t, &p)
		for _, wrong := range check(table, p) {
			t.Error(wrong)
		}
	}
}

// TestTableNamesRows finds names in the table that stand for no row: misspelt ones.
func TestTableNamesRows(t *testing.T) {
	known := func(name string) bool {
		return name == "..." || slices.ContainsFunc(table, func(r row) bool { return matches(r.pkg, name) })
	}
	for _, r := range table {
		for _, name := range slices.Concat(strings.Fields(r.may), strings.Fields(r.tests), strings.Fields(everyTest)) {
			if !known(name) {
				t.Errorf("the row of %s names %s, which has no row", r.pkg, name)
			}
		}
	}
}

// TestTableHasNoCycle follows the table's arrows: a package must not reach itself.
func TestTableHasNoCycle(t *testing.T) {
	may := map[string][]string{}
	for _, r := range table {
		may[r.pkg] = strings.Fields(r.may)
	}
	var reaches func(from, to string, depth int) bool
	reaches = func(from, to string, depth int) bool {
		return depth < len(table) && slices.ContainsFunc(may[from], func(next string) bool {
			return next == to || reaches(next, to, depth+1)
		})
	}
	for _, r := range table {
		if reaches(r.pkg, r.pkg, 0) {
			t.Errorf("%s may import itself by way of others", r.pkg)
		}
	}
}

func TestCheck(t *testing.T) {
	at := func(paths ...string) []string {
		var out []string
		for _, p := range paths {
			if !strings.HasPrefix(p, "crypto/") {
				p = module + "/" + p
			}
			out = append(out, p)
		}
		return out
	}
	for _, test := range []struct {
		name string
		pkg  pkg
		want []string
	}{
		{"an arrow of the table is fine",
			pkg{ImportPath: module + "/handshake", Imports: at("internal/wire", "iana", "crypto/sha256")}, nil},
		{"the handshake must not know records",
			pkg{ImportPath: module + "/handshake", Imports: at("record")}, []string{"handshake imports record"}},
		{"an internal package is held too",
			pkg{ImportPath: module + "/internal/kex", Imports: at("internal/kdf")}, []string{"internal/kex imports internal/kdf"}},
		{"a package needs a row",
			pkg{ImportPath: module + "/internal/util"}, []string{"internal/util has no row in the table"}},
		{"the module's root has no package",
			pkg{ImportPath: module}, []string{". has no row in the table"}},
		{"a prefix of a name is not a row",
			pkg{ImportPath: module + "/record/aead"}, []string{"record/aead has no row in the table"}},
		{"library code must not import the test peer",
			pkg{ImportPath: module + "/conn", Imports: at("internal/testpeer")}, []string{"conn imports internal/testpeer"}},
		{"a test may import the test peer, the vectors and its own package",
			pkg{ImportPath: module + "/conn", TestImports: at("internal/testpeer", "testvectors"), XTestImports: at("conn")}, nil},
		{"a test follows its package's arrows",
			pkg{ImportPath: module + "/policy", XTestImports: at("conn")}, []string{"a test of policy imports conn"}},
		{"a test may use crypto/tls as its peer",
			pkg{ImportPath: module + "/conn", TestImports: at("crypto/tls")}, nil},
		{"the interop tests may import everything",
			pkg{ImportPath: module + "/internal/interop", TestImports: at("conn", "internal/wire")}, nil},
		{"the interop harness imports nothing of the module",
			pkg{ImportPath: module + "/internal/interop", Imports: at("conn")}, []string{"internal/interop imports conn"}},
		{"library code must not import crypto/tls",
			pkg{ImportPath: module + "/conn", Imports: at("crypto/tls"), Deps: at("crypto/tls")}, []string{"conn imports crypto/tls"}},
		{"library code must not link crypto/tls either",
			pkg{ImportPath: module + "/conn", Deps: at("crypto/tls")},
			[]string{"conn links crypto/tls by way of another package"}},
		{"a store may link crypto/tls by its driver",
			pkg{ImportPath: module + "/redisstore", Deps: at("crypto/tls")}, nil},
		{"netconn may import crypto/tls",
			pkg{ImportPath: module + "/netconn", Imports: at("conn", "crypto/tls"), Deps: at("crypto/tls")}, nil},
		{"only the server knows the store of a fleet",
			pkg{ImportPath: module + "/cmd/s2ngo-client", Imports: at("redisstore")}, []string{"cmd/s2ngo-client imports redisstore"}},
		{"a subtree imports within itself",
			pkg{ImportPath: module + "/examples/http", Imports: at("examples/http/page", "netconn")}, nil},
	} {
		if got := check(table, test.pkg); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestIgnoredFiles checks that an import behind a build constraint is seen.
func TestIgnoredFiles(t *testing.T) {
	dir := t.TempDir()
	for name, src := range map[string]string{
		"never.go":      "//go:build never\n\npackage p\n\nimport _ \"" + module + "/record\"\n",
		"never_test.go": "//go:build never\n\npackage p\n\nimport _ \"" + module + "/conn\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := pkg{ImportPath: module + "/handshake", Dir: dir, IgnoredGoFiles: []string{"never.go", "never_test.go"}}
	addIgnored(t, &p)
	want := []string{"handshake imports record", "a test of handshake imports conn"}
	if got := check(table, p); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// list returns every package of the module, with those that do not build: their imports count too.
func list(t *testing.T, root string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,Deps,IgnoredGoFiles", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// addIgnored adds the imports of the files that build constraints leave out.
func addIgnored(t *testing.T, p *pkg) {
	t.Helper()
	for _, name := range p.IgnoredGoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		imports := &p.Imports
		if strings.HasSuffix(name, "_test.go") {
			imports = &p.TestImports
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			*imports = append(*imports, path)
		}
	}
}

// visit reads the directories of the tree, so that the test cache, which does not see what the go
// command reads, notices a changed file.
func visit(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
