package pkcs11

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
)

// machines says which ELF files a process of each architecture can load.
var machines = map[string]struct {
	class   elf.Class
	machine elf.Machine
}{
	"386":     {elf.ELFCLASS32, elf.EM_386},
	"amd64":   {elf.ELFCLASS64, elf.EM_X86_64},
	"arm":     {elf.ELFCLASS32, elf.EM_ARM},
	"arm64":   {elf.ELFCLASS64, elf.EM_AARCH64},
	"loong64": {elf.ELFCLASS64, elf.EM_LOONGARCH},
	"ppc64le": {elf.ELFCLASS64, elf.EM_PPC64},
	"riscv64": {elf.ELFCLASS64, elf.EM_RISCV},
	"s390x":   {elf.ELFCLASS64, elf.EM_S390},
}

// inspect says what keeps the file at path from being a module of this process, where the
// dynamic linker would be vague or, with no C_GetFunctionList, the library's initializers would
// have run for nothing.
func inspect(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("pkcs11: module %s does not exist: %w", path, fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("pkcs11: module %s is not readable: %w", path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("pkcs11: module %s is no regular file but %v", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("pkcs11: module %s is not readable: %w", path, err)
	}
	defer f.Close()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || runtime.GOOS == "aix" {
		return nil // not ELF: the linker has to say
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("pkcs11: module %s is no ELF file: %w", path, err)
	}
	if file.Type != elf.ET_DYN {
		return fmt.Errorf("pkcs11: module %s is no shared library but %v", path, file.Type)
	}
	if want, known := machines[runtime.GOARCH]; known && (file.Class != want.class || file.Machine != want.machine) {
		return fmt.Errorf("pkcs11: module %s is for %v %v, this process is %s", path, file.Class, file.Machine, runtime.GOARCH)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return nil // stripped of its section headers: the linker reads it by other ways
	}
	if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool {
		return s.Name == "C_GetFunctionList" && s.Section != elf.SHN_UNDEF
	}) {
		return fmt.Errorf("pkcs11: module %s has no C_GetFunctionList, so it is a library but no PKCS #11 module", path)
	}
	return nil
}
