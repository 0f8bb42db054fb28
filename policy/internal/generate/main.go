// Generate writes the Go data of s2n's named policies, ../../named_*.go, from the facts
// in ../../testdata/policies.json. Policies become values that share their lists, as the
// structs of s2n do, and each name points at one of them.
//
// Run it by go generate in the directory of package policy.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "directory of package policy")
	flag.Parse()
	files, err := generate(filepath.Join(*dir, "testdata", "policies.json"))
	if err != nil {
		log.Fatalf("generate: %v", err)
	}
	for name, source := range files {
		if err := os.WriteFile(filepath.Join(*dir, name), source, 0o644); err != nil {
			log.Fatalf("generate: %v", err)
		}
	}
}
