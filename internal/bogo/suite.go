package bogo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Mode is one of the three ways in which the suite is run.
type Mode struct {
	Name  string // as a column of results.tsv
	Flags string // for the runner's -shim-extra-flags
	Text  string
}

// Modes are all of them.
var Modes = [...]Mode{
	{"plain", "", "as it is"},
	{"suspended", "-suspend", "every private-key operation suspends twice, every other hook once"},
	{"chopped", "-chop", "a byte at a time is read and written"},
}

// Runner is BoringSSL's test program.
type Runner struct {
	Path string
	Dir  string // the folder of its sources, which it reads keys from
}

// FindRunner returns the Runner that the environment names: BOGO_RUNNER, the program, and
// BOGO_RUNNER_DIR, the folder ssl/test/runner of BoringSSL, which need not be said if the
// program is in it. It returns nil if BOGO_RUNNER is not set.
func FindRunner() (*Runner, error) {
	r := &Runner{os.Getenv("BOGO_RUNNER"), os.Getenv("BOGO_RUNNER_DIR")}
	if r.Path == "" {
		return nil, nil
	}
	if r.Dir == "" {
		r.Dir = filepath.Dir(r.Path)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "rsa_2048_key.pem")); err != nil {
		return nil, fmt.Errorf("bogo: BOGO_RUNNER_DIR is not BoringSSL's ssl/test/runner: %w", err)
	}
	return r, nil
}

// Version returns the commit of BoringSSL and its date.
func (r *Runner) Version() (string, error) {
	out, err := exec.Command("git", "-C", r.Dir, "log", "-1", "--format=%h of %cs", "--abbrev=9").Output()
	if err != nil {
		return "", fmt.Errorf("bogo: the version of %s: %w", r.Dir, err)
	}
	return "BoringSSL " + strings.TrimSpace(string(out)), nil
}

// Run runs the whole suite in a mode against the program shim, with the configuration of
// this package. It returns what the runner wrote, and the result of each test that was run:
// PASS, FAIL, or SKIP for what the shim does not implement.
func (r *Runner) Run(ctx context.Context, shim, config, dir string, m Mode) (results map[string]string, log []byte, err error) {
	output := filepath.Join(dir, m.Name+".json")
	cmd := exec.CommandContext(ctx, r.Path, "-pipe", "-allow-unimplemented",
		"-shim-path", shim, "-shim-config", config, "-shim-extra-flags", m.Flags,
		"-json-output", output, "-idle-timeout", "15s", "-test.timeout", "30m")
	cmd.Dir = r.Dir
	log, failed := cmd.CombinedOutput() // also when tests fail
	text, err := os.ReadFile(output)
	if err != nil {
		return nil, log, fmt.Errorf("bogo: the runner ended with %v and left no results: %w", failed, err)
	}
	var file struct {
		Tests map[string]struct {
			Actual string `json:"actual"`
		} `json:"tests"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, log, fmt.Errorf("bogo: the runner's results: %w", err)
	}
	results = make(map[string]string, len(file.Tests))
	for name, test := range file.Tests {
		results[name] = test.Actual
	}
	return results, log, nil
}

// Config is config.json: what the runner is told of this library.
type Config struct {
	DisabledTests  map[string]string   // pattern to reason
	ErrorMap       map[string][]string // the runner's error to parts of ours
	HalfRTTTickets int
}

// ReadConfig reads it.
func ReadConfig(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	return c, json.Unmarshal(text, c)
}

// Reason returns why a test is left out, or "" if it is not. Of several patterns that fit, the
// first in order counts.
func (c *Config) Reason(test string) string {
	for _, pattern := range slices.Sorted(maps.Keys(c.DisabledTests)) {
		if ok, _ := filepath.Match(pattern, test); ok {
			return c.DisabledTests[pattern]
		}
	}
	return ""
}
