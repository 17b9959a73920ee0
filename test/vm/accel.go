package vm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// probeTimeout is how long a kernel may take to say that it runs. Real
// hardware takes half a second.
const probeTimeout = 8 * time.Second

// accelerator is what executes the guest's instructions.
type accelerator string

const (
	kvm accelerator = "kvm"
	tcg accelerator = "tcg"
)

// arguments choose the processor, too. Under TCG it is an old one: the fewer
// features, the fewer variants of everything the kernel tries, and it boots a
// third quicker than with "max". It has a source of random numbers, so that the kernel
// changes its own code for them before there is a second processor: while both work,
// TCG has been seen to hang for good.
func (a accelerator) arguments() []string {
	if a == kvm {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	return []string{"-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem,+rdrand"}
}

// accelerator is KVM where it really runs a kernel: /dev/kvm may be there and
// of no use. The answer is kept beside the image until this host boots again.
func (img *image) accelerator(ctx context.Context) (accelerator, error) {
	file, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return tcg, nil
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	boot, err := bootID()
	if err != nil {
		return "", err
	}
	answer := img.file("accelerator-" + boot)
	if text, err := os.ReadFile(answer); err == nil && len(text) > 0 {
		return accelerator(text), nil
	}
	found := tcg
	if img.boots(ctx, kvm) {
		found = kvm
	}
	return found, os.WriteFile(answer, []byte(found), 0o600)
}

func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot tell this boot from others: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// boots reports whether the kernel begins to run.
func (img *image) boots(ctx context.Context, accel accelerator) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	args := append(accel.arguments(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "256",
		"-kernel", img.file("vmlinuz"), "-append", kernelLine, "-serial", "stdio")
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	console, err := cmd.StdoutPipe()
	if err != nil {
		return false
	}
	process, err := startTied(cmd)
	if err != nil {
		return false
	}
	defer process.kill()
	lines := bufio.NewScanner(io.LimitReader(console, 1<<20))
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Linux version") {
			return true
		}
	}
	return false
}
