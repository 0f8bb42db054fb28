package arrows

import (
	"fmt"
	"slices"
	"strings"
)

// module is the path that all packages of the table stand below.
const module = "github.com/s2ngo/s2ngo"

// pkg is what the check needs to know of one package, as `go list -json` names it.
type pkg struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
	Deps                               []string
	IgnoredGoFiles                     []string
}

// check returns a sentence for each arrow from p that the rows do not have.
func check(rows []row, p pkg) []string {
	path := local(p.ImportPath)
	i := slices.IndexFunc(rows, func(r row) bool { return matches(r.pkg, path) })
	if i < 0 {
		return []string{path + " has no row in the table"}
	}
	r := rows[i]
	var wrong []string
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	may := strings.Fields(r.may)
	for _, imp := range p.Imports {
		if isLocal(imp) && !allows(may, local(imp)) && !within(r.pkg, local(imp)) {
			report("%s imports %s", path, local(imp))
		}
	}
	may = slices.Concat(may, strings.Fields(r.tests), strings.Fields(everyTest), []string{path})
	for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
		if isLocal(imp) && !allows(may, local(imp)) && !within(r.pkg, local(imp)) {
			report("a test of %s imports %s", path, local(imp))
		}
	}
	switch {
	case r.tls != imported && slices.Contains(p.Imports, "crypto/tls"):
		report("%s imports crypto/tls", path)
	case r.tls == apart && slices.Contains(p.Deps, "crypto/tls"):
		report("%s links crypto/tls by way of another package", path)
	}
	return wrong
}

// allows tells whether a list of packages holds path.
func allows(list []string, path string) bool {
	return slices.ContainsFunc(list, func(entry string) bool { return matches(entry, path) })
}

// within tells whether path belongs to the row's own subtree, in which imports are free.
func within(pattern, path string) bool {
	return strings.HasSuffix(pattern, "/...") && matches(pattern, path)
}

// matches tells whether path is what the pattern names.
func matches(pattern, path string) bool {
	root, subtree := strings.CutSuffix(pattern, "/...")
	return pattern == "..." || path == root || subtree && strings.HasPrefix(path, root+"/")
}

// isLocal tells whether an import is of this module.
func isLocal(imp string) bool {
	return imp == module || strings.HasPrefix(imp, module+"/")
}

// local returns a package's path below the module's, the module's own root being ".".
func local(imp string) string {
	if imp == module {
		return "."
	}
	return strings.TrimPrefix(imp, module+"/")
}
