package test

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const initPath = "/usr/libexec/octaskly/octaskly-init"

// testInit wants the same octaskly-init in both packages: one that needs nothing of
// the root it runs in, carries no symbols, and does nothing but for an executor.
func testInit(t *testing.T, deb, rpm string) {
	root := t.TempDir()
	tool(t, nil, "dpkg-deb", "--extract", deb, root)
	path := filepath.Join(root, initPath)
	sum := sha256.Sum256(readFile(t, path))
	if line := hex.EncodeToString(sum[:]) + " " + initPath; !slices.Contains(rpmQuery(t, rpm, `[%{FILEDIGESTS} %{FILENAMES}\n]`), line) {
		t.Error("the rpm has another octaskly-init than the deb")
	}
	program, err := elf.Open(path)
	check(t, err)
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: it has %v", p.Type)
		}
	}
	if program.Section(".symtab") != nil {
		t.Error("it is not stripped")
	}
	out, err := try(t, nil, path)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 125 || !strings.Contains(out, "octasklyd starts it") {
		t.Errorf("without an executor: %v\n%s", err, out)
	}
}
