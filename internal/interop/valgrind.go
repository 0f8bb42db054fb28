package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// valgrindLimit bounds one run under valgrind.
const valgrindLimit = 3 * time.Minute

// A Measured is the test binary of one package of this module, to be run under valgrind: what a
// function does in time that depends on a secret shows there without a clock's noise.
type Measured struct {
	valgrind, binary, dir string
}

// Measure builds the tests of a package, named by its folder. It needs the peer valgrind. Under the
// race detector the test is skipped: the instructions would be the detector's.
func Measure(t testing.TB, folder string) *Measured {
	t.Helper()
	SkipUnderRace(t)
	m := &Measured{valgrind: Peer(t, "valgrind"), dir: t.TempDir()}
	m.binary = filepath.Join(m.dir, "measured.test")
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", m.binary, "./"+folder) // with symbols, unlike go test
	cmd.Dir = Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return m
}

// command returns the command for one test under valgrind. The program is kept from doing anything
// but what the test says: no collector, one thread of Go code, no preemption.
func (m *Measured) command(ctx context.Context, test string, options ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.valgrind, append(options, m.binary, "-test.run=^"+test+"$", "-test.v")...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	return cmd
}

// said returns what a test logged behind the word, line by line.
func said(output []byte, word string) (lines []string) {
	for line := range strings.Lines(string(output)) {
		if _, line, ok := strings.Cut(line, ": "+word+" "); ok {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// Instructions runs one test and returns how many instructions each call of a function took, all
// that it called included. The function is named as the linker does, as
// "github.com/s2ngo/s2ngo/record.(*cbcOpener).openCT". It returns also what the test logged
// behind the word "case".
func (m *Measured) Instructions(t testing.TB, test, function string) (counts []uint64, cases []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), valgrindLimit)
	defer cancel()
	profile := filepath.Join(m.dir, "profile")
	cmd := m.command(ctx, test, "--tool=callgrind", "--toggle-collect="+function, "--dump-after="+function,
		"--combine-dumps=yes", "--dump-line=no", "--callgrind-out-file="+profile)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	file, err := os.Open(profile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	counts, err = parseCallgrind(file)
	if err != nil {
		t.Fatalf("%s: %v", profile, err)
	}
	return counts, said(out, "case")
}

// parseCallgrind returns the total of each part of a profile that was dumped behind a function.
func parseCallgrind(r io.Reader) (counts []uint64, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	behind := false
	for lines.Scan() {
		if trigger, ok := strings.CutPrefix(lines.Text(), "desc: Trigger: "); ok {
			behind = strings.HasPrefix(trigger, "--dump-after=")
		}
		if total, ok := strings.CutPrefix(lines.Text(), "totals: "); ok && behind {
			n, err := strconv.ParseUint(total, 10, 64)
			if err != nil {
				return nil, err
			}
			counts = append(counts, n)
		}
	}
	return counts, lines.Err()
}

// Trace is the digest of one call of a function: of the addresses of all instructions, in order, and
// of all that they read and wrote.
type Trace [sha256.Size]byte

// Traces is Instructions for all that the processor could tell of a call, but for how long each
// instruction takes. Another thread of the program may have got into a trace, which is then one of
// its own.
func (m *Measured) Traces(t testing.TB, test, function string) (traces []Trace, cases []string) {
	t.Helper()
	entry, err := address(m.binary, function)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), valgrindLimit)
	defer cancel()
	var out bytes.Buffer
	cmd := m.command(ctx, test, "--tool=lackey", "--trace-mem=yes")
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	traces, err = parseLackey(stderr, entry)
	if err != nil {
		t.Errorf("%v: %v", cmd, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out.Bytes())
	}
	return traces, said(out.Bytes(), "case")
}

// address returns where a function begins.
func address(binary, function string) (uint64, error) {
	file, err := elf.Open(binary)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", binary, err)
	}
	for _, s := range symbols {
		if s.Name == function {
			return s.Value, nil
		}
	}
	return 0, fmt.Errorf("%s has no function %s", binary, function)
}

// parseLackey returns a Trace for each call of the function at entry. A line is "I  address,size" of
// an instruction, or " L address,size", " S ..." or " M ..." of what it reads, writes or modifies. A
// call ends where the instruction behind the one that made it is reached.
func parseLackey(r io.Reader, entry uint64) (traces []Trace, err error) {
	at, before := fmt.Sprintf("I  %08x,", entry), []byte(nil)
	var back []byte // what ends the call, nil outside of one
	var sum hash.Hash
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			return traces, nil
		}
		if err != nil {
			return nil, err
		}
		instruction := bytes.HasPrefix(line, []byte("I  "))
		switch {
		case back == nil && instruction && bytes.HasPrefix(line, []byte(at)):
			if back, err = behind(before); err != nil {
				return nil, err
			}
			sum = sha256.New()
		case back != nil && instruction && bytes.HasPrefix(line, back):
			traces = append(traces, Trace(sum.Sum(nil)))
			back = nil
		}
		if back != nil {
			sum.Write(line)
		} else if instruction {
			before = append(before[:0], line...)
		}
	}
}

// behind returns how the line of the instruction behind that of line begins.
func behind(line []byte) ([]byte, error) {
	var address, size uint64
	if _, err := fmt.Sscanf(string(line), "I  %x,%d", &address, &size); err != nil {
		return nil, fmt.Errorf("instruction %q: %w", line, err)
	}
	return fmt.Appendf(nil, "I  %08x,", address+size), nil
}
