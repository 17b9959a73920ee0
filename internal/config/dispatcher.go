package config

import (
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/units"
)

// Dispatcher configures `octasklyd dispatcher`.
type Dispatcher struct {
	Common
	// Socket is the path of the control socket, 107 bytes at most.
	// Default: see package dirs.
	Socket string `toml:"socket"`
	// Listen is the HOST:PORT on which workers are awaited; without a host, on
	// every address. Port 0 takes any free one. Default: ":7878".
	Listen string `toml:"listen"`
	// QUIC awaits workers by UDP on the port of Listen, too. Default: true.
	QUIC bool `toml:"quic"`
	// JoinKeyFile holds the key that workers must know. Default: systemd's
	// credential fleet.key, else empty, a file of the dispatcher's own in its
	// state_dir.
	JoinKeyFile string `toml:"join_key_file"`
	// Fleet is the name of the dispatcher and its workers together.
	// Default: "default".
	Fleet string `toml:"fleet"`
	// Announce tells workers on the same network of this dispatcher, by multicast
	// DNS, where it listens on an address that they can reach. Default: true.
	Announce bool `toml:"announce"`
	// Sandbox is the level that commands run at when their submission names none:
	// none, basic, strict or very-strict; auto is strict or basic, whichever is the
	// strictest that every known worker offers together with all limits of preset
	// default, or else none. Default: auto.
	Sandbox string `toml:"sandbox"`
	// SandboxFloor is the level below which no submission may go. It lifts Sandbox
	// where that is below.
	// Default: none.
	SandboxFloor string `toml:"sandbox_floor"`
	// Preset is the set of limits for commands whose submission names none: none,
	// default, strict or relaxed; auto is none at level none, else default.
	// Default: auto.
	Preset string `toml:"preset"`
	Door
	// HTTPNames are names and addresses of this machine that its certificate
	// has, besides its host name and the addresses it has. Default: none.
	HTTPNames []string `toml:"http_names"`
	// CORSOrigins are those of pages that may use REST, such as
	// "https://board.example". Default: none.
	CORSOrigins []string `toml:"cors_origins"`
	// Join says which workers the dispatcher takes in.
	Join Join `toml:"join"`
	// Access says who may do what on the control socket.
	Access Access `toml:"access"`
	// Quotas bound what a user may have.
	Quotas Quotas `toml:"quotas"`
	// Rest bounds how much is asked over http_listen.
	Rest Rest `toml:"rest"`
	// Limits bound what the dispatcher accepts and waits for.
	Limits Limits `toml:"limits"`
	// Retention bounds what is kept of tasks that are over.
	Retention Retention `toml:"retention"`
}

// Limits bound what the dispatcher accepts and waits for.
type Limits struct {
	// MaxOutput is the size in bytes that is kept of each stream of an attempt.
	// Default: 64MiB.
	MaxOutput units.Size `toml:"max_output"`
	// MaxQueued is the number of tasks that may wait, every element of an array
	// counted. Default: 10000000.
	MaxQueued int64 `toml:"max_queued"`
	// Lease is how long a silent worker is trusted before its attempts count as
	// lost. Default: 30s.
	Lease units.Duration `toml:"lease"`
	// CommitLinger is how long the end of an attempt may wait for others to be
	// written to disk with it. Default: 10ms.
	CommitLinger units.Duration `toml:"commit_linger"`
	// MaxLosses is how many workers a task may take down with it before it fails.
	// Default: 5.
	MaxLosses int64 `toml:"max_losses"`
}

// Retention bounds what is kept of tasks that are over, the oldest are forgotten
// first. 0 is no bound.
type Retention struct {
	// Age is how long a job is kept after its end. Default: 30d.
	Age units.Duration `toml:"age"`
	// Tasks is how many tasks are kept that are over. Default: 2000000.
	Tasks int64 `toml:"tasks"`
	// Output is the size in bytes that is kept of outputs and inputs in files; the
	// states of tasks stay when their output goes. Default: 10GiB.
	Output units.Size `toml:"output"`
	// Audit is how long rows of the audit log are kept, the newest 10,000 whatever
	// their age. Default: 365d.
	Audit units.Duration `toml:"audit"`
	// AuditRows is how many rows of the audit log are kept. Default: 5000000.
	AuditRows int64 `toml:"audit_rows"`
}

const millisecond = units.Second / 1000

// LoadDispatcher reads the configuration of a dispatcher. The error holds every
// *Problem that was found (errors.As finds the first).
func LoadDispatcher(src Sources) (*Dispatcher, error) {
	d := newDispatcher()
	return d, load(dirs.Dispatcher, d, src)
}

// newDispatcher leaves Socket empty where it has no default, see newCommon.
func newDispatcher() *Dispatcher {
	socket, _ := dirs.Socket(dirs.Dispatcher)
	d := &Dispatcher{
		Common: newCommon(dirs.Dispatcher),
		Socket: socket,
		Listen: ":7878",
		QUIC:   true,
		Fleet:  "default",

		Announce: true,

		Sandbox:      auto,
		SandboxFloor: "none",
		Preset:       auto,

		Join:   Join{Key: true},
		Access: newAccess(),
		Rest:   DefaultRest(),

		Limits: Limits{
			MaxOutput:    64 * units.MiB,
			MaxQueued:    10_000_000,
			Lease:        30 * units.Second,
			CommitLinger: 10 * millisecond,
			MaxLosses:    5,
		},
		Retention: Retention{
			Age: 30 * units.Day, Tasks: 2_000_000, Output: 10 * units.GiB,
			Audit: 365 * units.Day, AuditRows: 5_000_000,
		},
	}
	d.JoinKeyFile = d.keyCredential()
	return d
}

func (d *Dispatcher) check(l *loader) {
	d.Common.check(l)
	l.socket("socket", d.Socket)
	l.require("listen", listenAddress(d.Listen))
	l.optionalPath("join_key_file", &d.JoinKeyFile)
	l.require("fleet", name(d.Fleet))
	d.checkPolicy(l)
	d.Door.check(l)
	l.require("http_names", each(d.HTTPNames, hostName))
	l.require("cors_origins", each(d.CORSOrigins, webOrigin))
	d.Join.check(l)
	d.Access.check(l)
	l.require("quotas.queued", within(count(d.Quotas.Queued), 0, 1_000_000_000))
	l.require("quotas.running", within(count(d.Quotas.Running), 0, 1_000_000))
	l.require("quotas.submits_per_second", within(count(d.Quotas.Submits), 0, 100_000))
	l.require("rest.requests_per_second", within(count(d.Rest.Requests), 1, 1_000_000))
	l.require("rest.burst", within(count(d.Rest.Burst), 1, 1_000_000))
	l.require("limits.max_output", within(d.Limits.MaxOutput, 1, units.TiB))
	l.require("limits.max_queued", within(count(d.Limits.MaxQueued), 1, 1_000_000_000))
	l.require("limits.lease", within(d.Limits.Lease, 100*millisecond, units.Day))
	l.require("limits.commit_linger", within(d.Limits.CommitLinger, 0, units.Second))
	l.require("limits.max_losses", within(count(d.Limits.MaxLosses), 1, 1000))
	l.require("retention.age", within(d.Retention.Age, 0, 36500*units.Day))
	l.require("retention.tasks", within(count(d.Retention.Tasks), 0, 1_000_000_000))
	l.require("retention.output", within(d.Retention.Output, 0, 1024*units.TiB))
	l.require("retention.audit", noneOrWithin(d.Retention.Audit, 7*units.Day, 36500*units.Day))
	l.require("retention.audit_rows", noneOrWithin(count(d.Retention.AuditRows), 10_000, 1_000_000_000))
}

// The names that package octaskly knows; levels, the weakest first.
var (
	levels  = []string{"none", "basic", "strict", "very-strict"}
	presets = []string{"none", "default", "strict", "relaxed"}
)

func (d *Dispatcher) checkPolicy(l *loader) {
	l.require("sandbox", oneOf(d.Sandbox, append([]string{auto}, levels...)...))
	l.require("sandbox_floor", oneOf(d.SandboxFloor, levels...))
	l.require("preset", oneOf(d.Preset, append([]string{auto}, presets...)...))
}
