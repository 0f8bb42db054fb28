package bogo

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// What may become of a test.
const (
	Passed        = "passed"
	Failed        = "failed"
	Disabled      = "disabled"      // by config.json
	Unimplemented = "unimplemented" // by a flag that the shim does not know
)

var outcomes = [...]string{Passed, Failed, Disabled, Unimplemented}

// Row is what became of one test.
type Row struct {
	Name  string
	Class string // what it needs; "core" of all libraries for TLS 1.2 and 1.3
	Modes [len(Modes)]string
}

// Results are results.tsv: the rows of all tests, by name, and what they were run with.
type Results struct {
	Runner string // BoringSSL's version
	Commit string // of this repository
	Rows   []Row
}

// ReadResults reads results.tsv.
func ReadResults(file string) (*Results, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	if len(head) != 3 {
		return nil, fmt.Errorf("bogo: %s begins with %q", file, lines[0])
	}
	r := &Results{Runner: head[1], Commit: head[2]}
	for n, line := range lines[2:] {
		fields := strings.Split(line, "\t")
		if len(fields) == 3 { // the same in all modes
			fields = append(fields, fields[2], fields[2])
		}
		if len(fields) != 2+len(Modes) {
			return nil, fmt.Errorf("bogo: %s:%d: %d fields", file, n+3, len(fields))
		}
		row := Row{Name: fields[0], Class: fields[1]}
		copy(row.Modes[:], fields[2:])
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// Text returns the content of results.tsv. What is the same in all modes stands there once.
func (r *Results) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "run with\t%s\t%s\ntest\tclass", r.Runner, r.Commit)
	for _, m := range Modes {
		fmt.Fprintf(&b, "\t%s", m.Name)
	}
	b.WriteByte('\n')
	for _, row := range r.Rows {
		outcomes := row.Modes[:]
		if len(slices.Compact(slices.Clone(outcomes))) == 1 {
			outcomes = outcomes[:1]
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", row.Name, row.Class, strings.Join(outcomes, "\t"))
	}
	return b.Bytes()
}

// Update returns r with what a run has brought: the tests that were run in each mode, by name,
// as Run returns them. A test that is known and was not run is disabled, or gone.
func (r *Results) Update(c *Config, runs [len(Modes)]map[string]string) *Results {
	rows := map[string]*Row{}
	for _, row := range r.Rows {
		if c.Reason(row.Name) != "" {
			rows[row.Name] = &Row{Name: row.Name, Class: row.Class, Modes: [len(Modes)]string{Disabled, Disabled, Disabled}}
		} else if runs[0][row.Name] != "" {
			rows[row.Name] = &Row{Name: row.Name, Class: row.Class}
		}
	}
	for i, run := range runs {
		for name, result := range run {
			row := rows[name]
			if row == nil {
				row = &Row{Name: name, Class: "new"}
				rows[name] = row
			}
			row.Modes[i] = map[string]string{"PASS": Passed, "SKIP": Unimplemented}[result]
			if row.Modes[i] == "" {
				row.Modes[i] = Failed
			}
		}
	}
	next := &Results{Runner: r.Runner, Commit: r.Commit}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		next.Rows = append(next.Rows, *rows[name])
	}
	return next
}

// counts are how many tests of a class came out how, mode by mode.
type counts [len(Modes)]map[string]int

func (c *counts) size() (n int) {
	for _, k := range c[0] {
		n += k
	}
	return n
}

func (c *counts) add(row *Row) {
	for i, outcome := range row.Modes {
		if c[i] == nil {
			c[i] = map[string]int{}
		}
		c[i][outcome]++
	}
}

// Page returns the content of RESULTS.md.
func (r *Results) Page(c *Config) []byte {
	sums, total := map[string]*counts{}, new(counts)
	for _, row := range r.Rows {
		if sums[row.Class] == nil {
			sums[row.Class] = new(counts)
		}
		sums[row.Class].add(&row)
		total.add(&row)
	}
	classes := slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(-cmp.Compare(sums[a].size(), sums[b].size()), cmp.Compare(a, b))
	})
	if i := slices.Index(classes, "core"); i > 0 {
		classes = slices.Insert(slices.Delete(classes, i, i+1), 0, "core")
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, `# What BoGo says

Written by `+"`go test ./internal/bogo -update`"+`, not by hand. %s, run on commit %s:
each of its tests %d times, with strict errors. What each test did is in results.tsv.

`, r.Runner, r.Commit, len(Modes))
	for _, m := range Modes {
		fmt.Fprintf(&b, "- **%s**: %s.\n", m.Name, m.Text)
	}
	b.WriteString("\n| class | tests |")
	for _, m := range Modes {
		fmt.Fprintf(&b, " %s: passed | failed | disabled | not implemented |", m.Name)
	}
	b.WriteString("\n|---|---:|" + strings.Repeat("---:|", len(Modes)*len(outcomes)) + "\n")
	line := func(name string, sum *counts) {
		fmt.Fprintf(&b, "| %s | %d |", name, sum.size())
		for _, mode := range sum {
			for _, outcome := range outcomes {
				fmt.Fprintf(&b, " %d |", mode[outcome])
			}
		}
		b.WriteByte('\n')
	}
	for _, class := range classes {
		line(class, sums[class])
	}
	line("**all**", total)

	b.WriteString("\nA class is what a test needs beyond TLS 1.2 and 1.3 with certificates; core needs nothing. " +
		"Not implemented is what the shim has no flag for.\n\n## What is disabled, and why\n\n| reason | core | others |\n|---|---:|---:|\n")
	reasons := map[string]*[2]int{}
	for _, row := range r.Rows {
		reason := c.Reason(row.Name)
		if reason == "" {
			continue
		}
		if reasons[reason] == nil {
			reasons[reason] = new([2]int)
		}
		if row.Class == "core" {
			reasons[reason][0]++
		} else {
			reasons[reason][1]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", reason, reasons[reason][0], reasons[reason][1])
	}
	return b.Bytes()
}
