package vm

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/octaskly/octaskly/test/vm/frame"
)

// bootTimeout allows for a busy host; a boot takes 10 s under TCG.
const bootTimeout = 2 * time.Minute

// Options say what machine it is to be. All of it is optional.
type Options struct {
	Name    string       // host name; if empty, "vm"
	Memory  int          // MiB; if 0, 768
	CPUs    int          // if 0, 2
	Disks   []int        // sizes in MiB of empty disks: /dev/vdb, /dev/vdc, …
	Network *Network     // what eth0 is connected to; if nil, there is no eth0
	Tools   bool         // gcc, make, git, python3, node, bwrap, crun and runc are installed
	Cold    bool         // boot, although a state has been or could be saved
	Log     *slog.Logger // if nil, nothing is logged
}

// Machine is a virtual machine. Commands are for any number of goroutines at a
// time; switching it on and off is for one.
type Machine struct {
	Account // root's

	options  Options
	image    *image
	accel    accelerator
	hardware hardware
	nic      *nic // nil without network
	dir      string
	held     lock // of dir
	free     func()

	mu sync.Mutex
	on *power // nil if it is off
}

// Start starts a new machine, once fewer than MachinesVar of them run, and
// waits until it has settled. Close ends it.
func Start(ctx context.Context, o Options) (*Machine, error) {
	m, err := newMachine(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("cannot start a virtual machine: %w", err)
	}
	if err := m.begin(ctx); err != nil {
		console := m.Console()
		return nil, errors.Join(fmt.Errorf("cannot start a virtual machine: %w; its console:\n%s", err, console), m.Close())
	}
	return m, nil
}

func newMachine(ctx context.Context, o Options) (*Machine, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Name = cmp.Or(o.Name, "vm")
	m := &Machine{options: o, hardware: hardware{cmp.Or(o.Memory, 768), cmp.Or(o.CPUs, 2), o.Disks, o.Network != nil}}
	m.Account = Account{m, ""}
	var err error
	v := plain
	if o.Tools {
		v = tooled
	}
	if m.image, err = openImage(ctx, v, o.Log); err != nil {
		return nil, err
	}
	if m.accel, err = m.image.accelerator(ctx); err != nil {
		return nil, err
	}
	if m.free, err = takeSlot(ctx); err != nil {
		return nil, err
	}
	if err := m.furnish(ctx); err != nil {
		m.nic.unplug()
		m.free()
		return nil, err
	}
	return m, nil
}

// furnish gives the machine its end of the network and its directory.
func (m *Machine) furnish(ctx context.Context) (err error) {
	if m.options.Network != nil {
		if m.nic, err = m.options.Network.plug(); err != nil {
			return err
		}
	}
	m.dir, m.held, err = scratch(ctx, filepath.Join(filepath.Dir(m.image.dir), "work"))
	return err
}

// begin resumes a saved state, or boots where it should not or cannot.
func (m *Machine) begin(ctx context.Context) error {
	if !m.options.Cold {
		err := m.resume(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		m.options.Log.Warn("cannot resume, so it boots", "error", err)
	}
	base := func(i int) (path, format string) {
		if i > 0 {
			return "", ""
		}
		return m.image.file("disk.raw"), "raw"
	}
	if err := makeDisks(ctx, m.dir, m.hardware, base); err != nil {
		return err
	}
	return m.Boot(ctx)
}

// Boot switches the machine on and waits until it has settled: systemd has
// started, or failed to start, all it should.
func (m *Machine) Boot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	began := time.Now()
	if err := m.switchOn(ctx, booting); err != nil {
		return fmt.Errorf("cannot boot: %w", err)
	}
	r := m.Run(ctx, "systemctl", "is-system-running", "--wait")
	if r.Err != nil || r.Stdout != "running\n" && r.Stdout != "degraded\n" {
		return fmt.Errorf("cannot boot: the system does not settle: %v", r)
	}
	m.options.Log.Info("booted", "machine", m.options.Name, "accelerator", m.accel, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// begins brings a QEMU that has been started to run its guest. It returns the
// time that the guest is to take over, in nanoseconds, or 0.
type begins func(context.Context, *power) (int64, error)

// booting needs nothing: the guest reads the time from the machine's clock.
func booting(context.Context, *power) (int64, error) { return 0, nil }

// switchOn starts QEMU and waits for the agent.
func (m *Machine) switchOn(ctx context.Context, begin begins, extra ...string) error {
	if m.power() != nil {
		return errors.New("the machine is on")
	}
	args := append(m.hardware.arguments(m.image, m.accel), m.nic.arguments()...)
	p, err := launch(ctx, m.dir, append(args, extra...))
	if err != nil {
		return err
	}
	greeting := frame.Greeting{Name: m.options.Name, Seed: make([]byte, 32)}
	rand.Read(greeting.Seed)
	if greeting.Time, err = begin(ctx, p); err == nil {
		err = p.session.greet(ctx, greeting)
	}
	if err != nil {
		return errors.Join(err, p.cut())
	}
	m.setPower(p)
	if err := m.nic.configure(ctx, m.Account); err != nil {
		return errors.Join(err, m.PowerCut())
	}
	return nil
}

func (m *Machine) power() *power {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on
}

func (m *Machine) setPower(p *power) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on = p
}

// talk returns the session of a machine that is on.
func (m *Machine) talk() (*session, error) {
	if p := m.power(); p != nil {
		return p.session, nil
	}
	return nil, errGone
}

// PowerCut kills QEMU; see the package comment. It does nothing to a machine
// that is off.
func (m *Machine) PowerCut() error {
	p := m.power()
	if p == nil {
		return nil
	}
	m.setPower(nil)
	return p.cut()
}

// Shutdown has the guest power itself off, and waits for that.
func (m *Machine) Shutdown(ctx context.Context) error { return m.leave(ctx, "poweroff") }

// Reboot has the guest shut down and boots it, by a new QEMU.
func (m *Machine) Reboot(ctx context.Context) error {
	if err := m.leave(ctx, "reboot"); err != nil {
		return err
	}
	return m.Boot(ctx)
}

// leave waits for QEMU's end; the command itself may or may not see its own.
func (m *Machine) leave(ctx context.Context, how string) error {
	p := m.power()
	if p == nil {
		return fmt.Errorf("cannot %s: %w", how, errGone)
	}
	r := m.Run(ctx, "systemctl", "--no-block", how)
	select {
	case <-p.process.ended:
		m.setPower(nil)
		return p.settle()
	case <-ctx.Done():
		return fmt.Errorf("cannot %s: %w; systemctl says %v", how, context.Cause(ctx), r)
	}
}

// Close ends the machine and removes its files.
func (m *Machine) Close() error {
	defer m.free()
	m.nic.unplug()
	return errors.Join(m.PowerCut(), os.RemoveAll(m.dir), m.held.Close())
}

// Console returns what the machine and QEMU have said, at most the last 64 KiB.
func (m *Machine) Console() string {
	const most = 64 << 10
	file, err := os.Open(filepath.Join(m.dir, "console.log"))
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > most {
		_, _ = file.Seek(-most, io.SeekEnd)
	}
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
