// Command run prints what handshakes, bulk data and idle connections cost beside
// crypto/tls: a table for people, then one line for each row:
//
//	ratio NAME OURS/STD
//	figure NAME NUMBER UNIT
//
// Times are medians of rounds in which both libraries take turns, on one processor.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/bench"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

var (
	rounds = flag.Int("rounds", 12, "rounds of each row, at least 10 for figures to quote")
	each   = flag.Int("handshakes", 300, "handshakes in a round")
)

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var lines []string

func ratio(name string, ours, std float64) {
	lines = append(lines, fmt.Sprintf("ratio %s %.3f", name, ours/std))
}

func figure(name string, v float64, unit string) {
	lines = append(lines, fmt.Sprintf("figure %s %.2f %s", name, v, unit))
}

func run() error {
	fmt.Printf("%-26s %12s %12s %7s\n", "handshake, median", "ours", "crypto/tls", "ratio")
	for _, row := range []struct {
		both, server string
		c            bench.Case
	}{
		{"tls13-ecdsa", "tls13-ecdsa-server", bench.Case{Key: testpeer.KeyP256, Group: iana.X25519}},
		{"tls13-resume", "tls13-resume-server", bench.Case{Key: testpeer.KeyP256, Group: iana.X25519, Resume: true}},
		{"tls13-mlkem", "", bench.Case{Key: testpeer.KeyP256, Group: iana.X25519MLKEM768}},
		{"", "tls13-rsa-server", bench.Case{Key: testpeer.KeyRSA2048, Group: iana.X25519}},
		{"tls12-ecdsa", "", bench.Case{Version: iana.TLS12, Key: testpeer.KeyP256, Group: iana.X25519, Suite: iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
		{"", "tls12-rsa-server", bench.Case{Version: iana.TLS12, Key: testpeer.KeyRSA2048, Group: iana.X25519, Suite: iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
	} {
		if err := handshakes(row.both, row.server, row.c); err != nil {
			return err
		}
	}
	if err := bulk(); err != nil {
		return err
	}
	if err := memory(); err != nil {
		return err
	}
	fmt.Println()
	for _, l := range lines {
		fmt.Println(l)
	}
	return nil
}

func handshakes(both, server string, c bench.Case) error {
	f, err := bench.NewFixture(c)
	if err != nil {
		return err
	}
	var ours, std []bench.Cost
	for i := range *rounds + 1 {
		o, err := bench.Ours(f, *each)
		if err != nil {
			return err
		}
		s, err := bench.Std(f, *each)
		if err != nil {
			return err
		}
		if i > 0 { // the first warms up
			ours, std = append(ours, o), append(std, s)
		}
	}
	row := func(name string, of func(bench.Cost) time.Duration) {
		if name == "" {
			return
		}
		o, s := median(ours, of), median(std, of)
		fmt.Printf("%-26s %10.1fus %10.1fus %7.3f\n", name, o, s, o/s)
		ratio(name, o, s)
	}
	row(both, func(c bench.Cost) time.Duration { return c.Both })
	row(server, func(c bench.Cost) time.Duration { return c.Server })
	if both != "tls13-ecdsa" {
		return nil
	}
	objects, err := bench.ServerObjects(f, 50)
	if err != nil {
		return err
	}
	last := ours[len(ours)-1]
	s := std[len(std)-1]
	fmt.Printf("%-26s %12.0f\n", "objects, server", objects)
	fmt.Printf("%-26s %12.0f %12.0f %7.3f\n", "objects, both", last.Objects, s.Objects, last.Objects/s.Objects)
	fmt.Printf("%-26s %12.0f %12.0f %7.3f\n", "bytes, both", last.Bytes, s.Bytes, last.Bytes/s.Bytes)
	figure("objects-server", objects, "objects")
	figure("objects", last.Objects, "objects")
	figure("bytes", last.Bytes, "bytes")
	return nil
}

func median(costs []bench.Cost, of func(bench.Cost) time.Duration) float64 {
	us := make([]float64, len(costs))
	for i, c := range costs {
		us[i] = float64(of(c)) / 1000
	}
	slices.Sort(us)
	return us[len(us)/2]
}

func bulk() error {
	const writes = 2000
	fmt.Printf("\n%-26s %12s %12s %7s\n", "bulk 16 KiB, seal+open", "ours GB/s", "crypto/tls", "ratio")
	for _, row := range []struct {
		name string
		id   iana.CipherSuite
	}{
		{"bulk-aes128", iana.TLS_AES_128_GCM_SHA256},
		{"bulk-aes256", iana.TLS_AES_256_GCM_SHA384},
		{"bulk-chacha", iana.TLS_CHACHA20_POLY1305_SHA256},
	} {
		f, err := bench.NewFixture(bench.Case{Key: testpeer.KeyP256, Group: iana.X25519, Suite: row.id})
		if err != nil {
			return err
		}
		var ours, std []bench.Cost
		for i := range *rounds + 1 {
			o, err := bench.BulkOurs(f, writes)
			if err != nil {
				return err
			}
			s, err := bench.BulkStd(f, row.id, writes)
			if err != nil {
				return err
			}
			if i > 0 {
				ours, std = append(ours, bench.Cost{Both: o}), append(std, bench.Cost{Both: s})
			}
		}
		both := func(c bench.Cost) time.Duration { return c.Both }
		gb := float64(writes*16384) / 1000
		o, s := gb/median(ours, both), gb/median(std, both)
		fmt.Printf("%-26s %12.2f %12.2f %7.3f\n", row.name, o, s, o/s)
		ratio(row.name, o, s)
	}
	return nil
}

func memory() error {
	f, err := bench.NewFixture(bench.Case{Key: testpeer.KeyP256, Group: iana.X25519})
	if err != nil {
		return err
	}
	idle, after, err := bench.Idle(f, 1000)
	if err != nil {
		return err
	}
	suspended, err := bench.Suspended(f, 1000)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-26s %12s\n", "memory of a connection", "KiB")
	fmt.Printf("%-26s %12.2f\n%-26s %12.2f\n%-26s %12.2f\n", "idle", idle, "idle after data", after, "suspended server", suspended)
	figure("idle-kib", idle, "KiB")
	figure("idle-after-data-kib", after, "KiB")
	figure("suspended-kib", suspended, "KiB")
	return nil
}
