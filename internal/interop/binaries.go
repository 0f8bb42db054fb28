package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// buildLimit bounds the build of the binaries, which may start with an empty cache.
const buildLimit = 4 * time.Minute

// built builds both programs once per test binary into a folder of their own.
var built = sync.OnceValues(func() (dir string, err error) {
	source, err := root()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "s2ngo-interop-"); err != nil {
		return "", err
	}
	builtDir = dir
	return dir, build(source, dir, "./cmd/s2ngo-server", "./cmd/s2ngo-client")
})

// builtDir is the folder to remove when the tests are over, if there is one.
var builtDir string

// build runs go build on packages, with the race detector if this is its run.
func build(source, dir string, packages ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", dir + string(filepath.Separator)}
	if Race() {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

// Binaries returns the paths of s2ngo-server and s2ngo-client, built from this tree once per test
// binary, with -race if S2NGO_RACE=1.
func Binaries(t testing.TB) (server, client string) {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "s2ngo-server"), filepath.Join(dir, "s2ngo-client")
}

// Main is what a TestMain calls that has tests with [Binaries]: it runs the tests, removes the
// binaries and returns the exit status.
func Main(m *testing.M) int {
	defer func() {
		if builtDir != "" {
			os.RemoveAll(builtDir)
		}
	}()
	return m.Run()
}
