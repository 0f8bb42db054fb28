// Command latency prints what servers with slow keys come to, beside crypto/tls with a
// signer that blocks: a table in Markdown, as docs/ASYNC.md has it. Each row is measured in
// a process of its own, three times, and the fastest counts: what else the machine does
// only slows.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/s2ngo/s2ngo/internal/bench"
)

var (
	connections = flag.Int("connections", 1000, "handshakes under way at any time")
	measured    = flag.Duration("time", 2*time.Second, "time to measure for a row, after a quarter of it to warm up")
	rounds      = flag.Int("rounds", 3, "times that each row is measured, the signers in turn; the fastest counts")
	signer      = flag.String("signer", "", "measure one signer only, and print JSON")
	delay       = flag.Duration("delay", 0, "of the one signer's signatures")
)

func main() {
	flag.Parse()
	run := table
	if *signer != "" {
		run = row
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "latency:", err)
		os.Exit(1)
	}
}

func row() error {
	got, err := bench.Load{Signer: bench.Signer(*signer), Delay: *delay, Connections: *connections, Time: *measured}.Measure()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

func table() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("%d connections, P-256, X25519; a pool of %d workers for the C library\n\n", *connections, bench.PoolWorkers)
	fmt.Println("| signature takes | server, what waits for the key | handshakes/s | CPU us each | goroutines | OS threads | memory, MiB |")
	fmt.Println("|---|---|---:|---:|---:|---:|---:|")
	signers := []bench.Signer{bench.OursRemote, bench.StdRemote, bench.OursLibrary, bench.StdLibrary}
	for _, d := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond} {
		best := make([]bench.Latency, len(signers))
		for range *rounds {
			for i, s := range signers {
				got, err := measure(self, s, d)
				if err != nil {
					return fmt.Errorf("%s, %v: %w", s, d, err)
				}
				if got.Handshakes > best[i].Handshakes {
					best[i] = got
				}
			}
		}
		for i, s := range signers {
			got := best[i]
			fmt.Printf("| %v | %s | %.0f | %.0f | %d | %d | %.0f |\n", d, s, got.Handshakes, got.CPU, got.Goroutines, got.Threads, got.Memory)
		}
	}
	return nil
}

// measure is a row in a process of its own.
func measure(self string, s bench.Signer, d time.Duration) (got bench.Latency, err error) {
	cmd := exec.Command(self, "-signer", string(s), "-delay", d.String(), "-time", measured.String(), "-connections", fmt.Sprint(*connections))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return got, err
	}
	return got, json.Unmarshal(out, &got)
}
