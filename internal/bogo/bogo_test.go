package bogo

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "run BoGo and write results.tsv and RESULTS.md")

const (
	configFile  = "config.json"
	resultsFile = "results.tsv"
	pageFile    = "RESULTS.md"
)

// shim is the program under test, once it was built.
var shim string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "bogo")
	if err == nil {
		shim = filepath.Join(dir, "shim")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", shim, "./shim").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Println("the shim cannot be built:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// TestSuite runs BoGo in all modes and compares the results with those that are kept.
func TestSuite(t *testing.T) {
	runner, err := FindRunner()
	if err != nil {
		t.Fatal(err)
	}
	if runner == nil {
		if *update {
			t.Fatal("-update needs BOGO_RUNNER")
		}
		fmt.Println("BoGo itself did not run: BOGO_RUNNER names no runner")
		return
	}
	config, known := kept(t)
	path, err := filepath.Abs(configFile)
	if err != nil {
		t.Fatal(err)
	}
	var runs [len(Modes)]map[string]string
	for i, m := range Modes {
		results, log, err := runner.Run(context.Background(), shim, path, t.TempDir(), m)
		if err != nil {
			t.Fatalf("%s: %v\n%s", m.Name, err, tail(log))
		}
		runs[i] = results
		for _, block := range strings.Split(string(log), "\nFAILED (")[1:] {
			text, _, _ := strings.Cut(block, "\nPASSED (")
			t.Errorf("%s: FAILED (%s", m.Name, text)
		}
	}
	next := known.Update(config, runs)
	if next.Runner, err = runner.Version(); err != nil {
		t.Fatal(err)
	}
	if *update && !t.Failed() {
		out, err := exec.Command("git", "rev-parse", "--short=9", "HEAD").Output()
		if err != nil {
			t.Fatal(err)
		}
		next.Commit = strings.TrimSpace(string(out))
		write(t, resultsFile, next.Text())
		write(t, pageFile, next.Page(config))
		return
	}
	differences := 0
	before := map[string]Row{}
	for _, row := range known.Rows {
		before[row.Name] = row
	}
	for _, row := range next.Rows {
		if before[row.Name] != row {
			if differences++; differences <= 20 {
				t.Errorf("%s: %v, kept: %v", row.Name, row.Modes, before[row.Name].Modes)
			}
		}
	}
	if differences > 20 {
		t.Errorf("and %d more; go test -update writes what is true", differences-20)
	}
	if next.Runner == known.Runner && len(next.Rows) != len(known.Rows) {
		t.Errorf("%d tests, %d are kept", len(next.Rows), len(known.Rows))
	}
}

// TestResults compares the table, the file of results and the configuration with each other.
func TestResults(t *testing.T) {
	config, known := kept(t)
	if page, err := os.ReadFile(pageFile); err != nil || !bytes.Equal(page, known.Page(config)) {
		t.Errorf("%s is not what %s and %s make of it: %v", pageFile, resultsFile, configFile, err)
	}
	used := map[string]bool{}
	for _, row := range known.Rows {
		reason := config.Reason(row.Name)
		for i, outcome := range row.Modes {
			if outcome == Failed {
				t.Errorf("%s failed, %s", row.Name, Modes[i].Name)
			}
			if (outcome == Disabled) != (reason != "") {
				t.Errorf("%s is %s, and the reason to disable it is %q", row.Name, outcome, reason)
			}
		}
		if row.Class == "core" && row.Modes[0] == Unimplemented {
			t.Errorf("%s is %s, of class %s", row.Name, row.Modes[0], row.Class)
		}
		for pattern := range config.DisabledTests {
			if ok, err := filepath.Match(pattern, row.Name); err != nil {
				t.Errorf("%s: %v", pattern, err)
			} else if ok {
				used[pattern] = true
			}
		}
	}
	for pattern, reason := range config.DisabledTests {
		if !used[pattern] {
			t.Errorf("%s disables no test", pattern)
		}
		if len(reason) < 10 {
			t.Errorf("%s is disabled because %q", pattern, reason)
		}
	}
	for name, texts := range config.ErrorMap {
		for _, text := range texts {
			if len(text) < 4 {
				t.Errorf("%s is called %q here, which says nothing", name, text)
			}
		}
	}
}

func kept(t *testing.T) (*Config, *Results) {
	t.Helper()
	config, err := ReadConfig(configFile)
	if err != nil {
		t.Fatal(err)
	}
	results, err := ReadResults(resultsFile)
	if err != nil {
		t.Fatal(err)
	}
	return config, results
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func tail(log []byte) []byte { return log[max(0, len(log)-2000):] }
