package pkcs11

import (
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestInspectSaysWhatIsWrongWithAModule(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("modules are ELF files on Linux")
	}
	dir := t.TempDir()
	write := func(name string, content []byte, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	// header is an ELF header and nothing else.
	header := func(machine elf.Machine, kind elf.Type) []byte {
		h := append([]byte(nil), self[:64]...)
		h[16], h[17] = byte(kind), byte(kind>>8)
		h[18], h[19] = byte(machine), byte(machine>>8)
		for i := 32; i < 48; i++ { // no program headers, no section headers
			h[i] = 0
		}
		for i := 56; i < 64; i++ {
			h[i] = 0
		}
		return h
	}
	mine := machines[runtime.GOARCH].machine
	for _, test := range []struct{ name, path, says string }{
		{"no file", filepath.Join(dir, "none.so"), "does not exist"},
		{"a folder", dir, "no regular file"},
		{"a device", "/dev/null", "no regular file"},
		{"a text", write("text.so", []byte("#!/bin/sh\n"), 0o600), "no ELF file"},
		{"an empty file", write("empty.so", nil, 0o600), "no ELF file"},
		{"a cut header", write("cut.so", self[:20], 0o600), "no ELF file"},
		{"an object file", write("object.o", header(mine, elf.ET_REL), 0o600), "no shared library"},
		{"another architecture", write("other.so", header(elf.EM_MIPS, elf.ET_DYN), 0o600), "is for ELFCLASS64 EM_MIPS"},
	} {
		if err := inspect(test.path); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.name, err, test.says)
		}
	}
	if err := inspect(filepath.Join(dir, "none.so")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing module: %v is not fs.ErrNotExist", err)
	}
	if os.Getuid() != 0 {
		if err := inspect(write("secret.so", self, 0)); err == nil || !strings.Contains(err.Error(), "not readable") {
			t.Errorf("an unreadable file: %v", err)
		}
	}
}

func TestModulePath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"libtoken.so", "other.so"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lib := filepath.Join(dir, "libtoken.so")
	for _, test := range []struct{ name, module, uri, want, says string }{
		{"the Config", "/a.so", "", "/a.so", ""},
		{"the URI's path", "", "pkcs11:?module-path=/b.so", "/b.so", ""},
		{"both, the same", lib, "pkcs11:?module-path=" + dir + "/./libtoken.so", lib, ""},
		{"both, different", "/a.so", "pkcs11:?module-path=/b.so", "", "is to be"},
		{"a relative path", "", "pkcs11:?module-path=b.so", "", "not absolute"},
		{"a name with lib before it", "", "pkcs11:?module-name=token", lib, ""},
		{"a name as it is", "", "pkcs11:?module-name=other", filepath.Join(dir, "other.so"), ""},
		{"a name that is not there", "", "pkcs11:?module-name=none", "", "no module \"none\""},
		{"nothing", "", "pkcs11:token=x", "", "names a module"},
	} {
		c, _, err := Config{Module: test.module, URI: test.uri, ModuleDirs: []string{"/nowhere", dir}}.complete()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) || err == nil && c.Module != test.want {
			t.Errorf("%s: %q, %v, want %q or an error with %q", test.name, c.Module, err, test.want, test.says)
		}
	}
}

func TestConfigThatMakesNoSense(t *testing.T) {
	for _, c := range []Config{
		{Workers: -1}, {Workers: 4, MaxWorkers: 3}, {Queue: -1}, {Timeout: -1}, {RetryMin: 10, RetryMax: 5}, {URI: "http:"},
	} {
		c.Module = "/a.so"
		if _, err := Open(c); err == nil || strings.Contains(err.Error(), "exist") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
