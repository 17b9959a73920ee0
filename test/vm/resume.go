package vm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// resumeTimeout allows for a busy host; to resume takes a quarter of a second.
const resumeTimeout = 20 * time.Second

// resume makes the machine one that has booted before.
func (m *Machine) resume(ctx context.Context) error {
	saved, err := m.saved(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	disks := func(i int) (path, format string) { return filepath.Join(saved, disk(i)), "qcow2" }
	if err := makeDisks(ctx, m.dir, m.hardware, disks); err != nil {
		return err
	}
	state, err := os.Open(filepath.Join(saved, "state"))
	if err != nil {
		return err
	}
	defer state.Close()
	load := func(ctx context.Context, p *power) (int64, error) {
		if err := p.monitor.migrate(ctx, "migrate-incoming", state); err != nil {
			return 0, err
		}
		err := p.monitor.execute(ctx, "cont", nil) // it was saved stopped
		return time.Now().UnixNano(), err
	}
	ctx, cancel := context.WithTimeout(ctx, resumeTimeout)
	defer cancel()
	if err := m.switchOn(ctx, load, "-incoming", "defer"); err != nil {
		return fmt.Errorf("cannot load the saved state: %w", err)
	}
	m.options.Log.Info("resumed", "machine", m.options.Name, "accelerator", m.accel, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// saved returns the directory with the disks and the state of a machine like
// this one that has settled. The first to need it makes it.
func (m *Machine) saved(ctx context.Context) (string, error) {
	key, err := m.key(ctx)
	if err != nil {
		return "", err
	}
	dir := m.image.file("state-" + key)
	held, err := openLock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer held.Close()
	if err := held.take(ctx, exclusive); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	made := dir + ".new"
	if err := errors.Join(os.RemoveAll(made), os.Mkdir(made, 0o700)); err != nil {
		return "", err
	}
	if err := m.twin(made).save(ctx); err != nil {
		return "", errors.Join(err, os.RemoveAll(made))
	}
	return dir, os.Rename(made, dir)
}

// key tells apart states that do not fit each other. KVM's depend on the
// host's processor, so they are good until it boots again.
func (m *Machine) key(ctx context.Context) (string, error) {
	version, err := exec.CommandContext(ctx, "qemu-system-x86_64", "--version").Output()
	if err != nil {
		return "", err
	}
	boot := ""
	if m.accel == kvm {
		if boot, err = bootID(); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %q", version, boot, m.hardware.arguments(m.image, m.accel)))
	return hex.EncodeToString(sum[:8]), nil
}

// twin is a machine of the same hardware in another directory.
func (m *Machine) twin(dir string) *Machine {
	t := &Machine{options: m.options, image: m.image, accel: m.accel, hardware: m.hardware, nic: m.nic, dir: dir}
	t.options.Name, t.options.Cold = "vm", true
	t.Account = Account{t, ""}
	return t
}

// save boots the machine, writes its state to a file and ends it.
func (m *Machine) save(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return errors.Join(err, m.PowerCut())
	}
	state, err := os.OpenFile(filepath.Join(m.dir, "state"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, m.PowerCut())
	}
	defer state.Close()
	if r := m.Run(ctx, "sync"); r.Code != 0 {
		return errors.Join(fmt.Errorf("cannot sync: %v", r), m.PowerCut())
	}
	monitor := m.power().monitor
	if err = monitor.execute(ctx, "stop", nil); err == nil {
		err = monitor.migrate(ctx, "migrate", state)
	}
	return errors.Join(err, m.PowerCut())
}
