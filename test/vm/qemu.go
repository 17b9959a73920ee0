package vm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// hardware is what a machine consists of. A saved state fits only the same.
type hardware struct {
	memory, cpus int // MiB
	disks        []int
	network      bool
}

// kernelLine is the kernel's command line. A panic ends QEMU. Mitigations of
// processors' bugs would make each system call change page tables, which takes
// TCG a third of a boot.
const kernelLine = "root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1 mitigations=off fsck.mode=skip"

// arguments make QEMU such a machine, whose files lie in its working directory.
// Disks ignore flushes to the host's disk: see the package comment on power cuts.
func (h hardware) arguments(img *image, accel accelerator) []string {
	args := []string{
		"-name", "octaskly-vm", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-smp", strconv.Itoa(h.cpus), "-m", strconv.Itoa(h.memory),
		"-kernel", img.file("vmlinuz"), "-initrd", img.file("initrd"), "-append", kernelLine,
		"-chardev", "file,id=console,path=console.log,append=on", "-serial", "chardev:console",
		"-chardev", "socket,id=monitor,fd=3", "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=agent,fd=4", "-device", "virtio-serial-pci",
		"-device", "virtserialport,chardev=agent,name=octaskly",
	}
	args = append(args, accel.arguments()...)
	if h.network {
		args = append(args, "-device", "virtio-net-pci,netdev=net")
	}
	for i := range len(h.disks) + 1 {
		args = append(args, "-drive", "if=virtio,format=qcow2,cache=unsafe,file="+disk(i))
	}
	return args
}

// disk names the file of a disk; the first holds the system.
func disk(i int) string { return fmt.Sprintf("disk%d.qcow2", i) }

// makeDisks makes the disks of a new machine: copies of those in from, which
// they refer to, so that it must stay as it is.
func makeDisks(ctx context.Context, dir string, h hardware, from func(i int) (path, format string)) error {
	for i := range len(h.disks) + 1 {
		args := []string{"qemu-img", "create", "-q", "-f", "qcow2"}
		if path, format := from(i); path != "" {
			args = append(args, "-b", path, "-F", format, disk(i))
		} else {
			args = append(args, disk(i), strconv.Itoa(h.disks[i-1])+"M")
		}
		if err := run(ctx, dir, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// power is a QEMU that runs.
type power struct {
	process *process
	monitor *monitor
	session *session
}

// launch starts QEMU in a directory. It says there what it has to say, in
// console.log with the guest.
func launch(ctx context.Context, dir string, args []string) (*power, error) {
	console, err := os.OpenFile(filepath.Join(dir, "console.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer console.Close()
	control, controlEnd, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer controlEnd.Close()
	agent, agentEnd, err := socketPair()
	if err != nil {
		return nil, errors.Join(err, control.Close())
	}
	defer agentEnd.Close()

	cmd := exec.Command("qemu-system-x86_64", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, console, console
	cmd.ExtraFiles = []*os.File{controlEnd, agentEnd} // descriptors 3 and 4
	process, err := startTied(cmd)
	if err != nil {
		return nil, errors.Join(err, control.Close(), agent.Close())
	}
	p := &power{process: process, session: openSession(agent)}
	if p.monitor, err = openMonitor(ctx, control); err != nil {
		return nil, errors.Join(err, control.Close(), p.cut())
	}
	return p, nil
}

// cut kills QEMU.
func (p *power) cut() error {
	p.process.kill()
	return p.settle()
}

// settle releases what belongs to a QEMU that has ended.
func (p *power) settle() error {
	var err error
	if p.monitor != nil {
		err = p.monitor.conn.Close()
	}
	return errors.Join(err, p.session.Close())
}

// socketPair returns our end and the one for a process.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return conn.(*net.UnixConn), theirs, nil
}
