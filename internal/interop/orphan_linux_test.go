package interop

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestOrphan checks that a program dies with a test binary that had no chance to clean up. It runs
// itself as that test binary.
func TestOrphan(t *testing.T) {
	if os.Getenv("S2NGO_TEST_ORPHAN") == "1" {
		p := Start(t, "sleep", "300")
		os.Stdout.WriteString("pid " + strconv.Itoa(p.cmd.Process.Pid) + "\n")
		os.Exit(2)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOrphan$")
	cmd.Env = append(os.Environ(), "S2NGO_TEST_ORPHAN=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Wait() == nil {
		t.Fatal("the test binary ended as if all was well")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(soon); !dead(pid); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("the program %d has outlived the test binary", pid)
		}
	}
}
