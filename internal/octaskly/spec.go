package octaskly

import (
	"fmt"
	"strings"
	"time"
)

// Spec says what to run and how. It is accepted once, kept as the versioned
// bytes that were accepted and sent to workers as they stand. Fields are only
// ever added; a new one that restricts the command also adds a word to Needs,
// because a worker that does not know a field ignores it.
type Spec struct {
	Argv    []string      `cbor:"1,keyasint"`
	Env     []string      `cbor:"2,keyasint,omitempty"` // "NAME=value", each name once
	Dir     string        `cbor:"3,keyasint,omitempty"` // on the worker; empty: a workspace of the task's own
	Stdin   Blob          `cbor:"4,keyasint,omitempty"` // zero: /dev/null
	Items   Blob          `cbor:"5,keyasint,omitempty"` // one line per element
	Timeout time.Duration `cbor:"6,keyasint,omitempty"` // wall time of one attempt; 0: none
	Retries int           `cbor:"7,keyasint,omitempty"` // further attempts after a failure
	Backoff time.Duration `cbor:"8,keyasint,omitempty"` // before the first retry, doubled for each further one
	Merge   bool          `cbor:"9,keyasint,omitempty"` // stderr goes into stdout's pipe
	Room    Room          `cbor:"10,keyasint,omitempty"`
	Needs   []string      `cbor:"11,keyasint,omitempty"` // features that the worker must have

	// How it is isolated and bounded, as resolved when it was submitted. What a
	// worker must be able to do for this is in Needs as well.
	Level         Level  `cbor:"12,keyasint,omitempty"` // 0: none; from before there were levels
	Limits        Limits `cbor:"13,keyasint,omitzero"`
	HostNetwork   bool   `cbor:"14,keyasint,omitempty"` // the machine's network; otherwise none but a loopback
	KeepWorkspace bool   `cbor:"15,keyasint,omitempty"` // for the worker's operator to look at

	// AtMostOne: no two attempts run at the same time, even where a network falls
	// apart. Whoever runs it stops it before the dispatcher's lease for its worker ends.
	AtMostOne bool `cbor:"16,keyasint,omitempty"`

	// Further environment, of which only the names are for everybody's eyes. Workers
	// get it opened, beside the spec.
	Sealed      []byte   `cbor:"17,keyasint,omitempty"` // by a security.Vault, for SecretPurpose and the owner
	SecretNames []string `cbor:"18,keyasint,omitempty"` // in the order of what is sealed
}

// SpecVersion is written beside the bytes of every Spec.
const SpecVersion = 1

// Blob names bounded bytes by their SHA-256, in hex. The zero Blob is none.
type Blob string

// Room is an amount of each named resource: what a task asks for, what a
// worker has. A name that is missing counts as 0.
type Room map[string]int64

// The resources every worker has.
const (
	CPU    = "cpu"    // thousandths of a processor
	Memory = "memory" // bytes
)

// Fits reports whether r has at least what ask asks for.
func (r Room) Fits(ask Room) bool {
	for name, n := range ask {
		if r[name] < n {
			return false
		}
	}
	return true
}

// Bounds of a spec. Linux refuses a single argument or variable of 128 KiB and
// more (MAX_ARG_STRLEN, execve(2)).
const (
	MaxArg      = 128<<10 - 1
	MaxArgs     = 1 << 20 // bytes of argv and environment together
	MaxArgCount = 20_000
	MaxRetries  = 1000
	MaxTimeout  = 10 * 365 * 24 * time.Hour
	MaxName     = 128
	MaxBlob     = 256 << 20
	maxRoom     = 1 << 50
)

// FieldError is bad input: the field as users know it, and what is wrong.
type FieldError struct {
	Field string
	Why   string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

func fieldErrorf(field, format string, args ...any) error {
	return &FieldError{Field: field, Why: fmt.Sprintf(format, args...)}
}

// Check returns a *FieldError for the first field that cannot be accepted.
func (s *Spec) Check() error {
	for _, check := range []func() error{s.checkArgv, s.checkEnv, s.checkSecretNames, s.checkDir, s.checkRetries, s.checkRoom, s.Limits.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkArgv() error {
	switch {
	case len(s.Argv) == 0:
		return fieldErrorf("command", "it is missing; write it after --, as in: octasklyctl run -- uname -a")
	case s.Argv[0] == "":
		return fieldErrorf("command", "its name is empty")
	case len(s.Argv) > MaxArgCount:
		return fieldErrorf("command", "it has %d arguments, %d are allowed; give long input by --stdin", len(s.Argv), MaxArgCount)
	}
	total := 0
	for i, arg := range s.Argv {
		if err := checkArg(fmt.Sprintf("argument %d of the command", i), arg); err != nil {
			return err
		}
		total += len(arg) + 1
	}
	for _, v := range s.Env {
		total += len(v) + 1
	}
	if total > MaxArgs {
		return fieldErrorf("command", "arguments and environment have %d bytes together, %d are allowed; give long input by --stdin", total, MaxArgs)
	}
	return nil
}

func checkArg(field, arg string) error {
	if strings.IndexByte(arg, 0) >= 0 {
		return fieldErrorf(field, "it contains a NUL byte, which no command line can carry; give binary input by --stdin")
	}
	if len(arg) > MaxArg {
		return fieldErrorf(field, "it has %d bytes, Linux allows %d; give long input by --stdin", len(arg), MaxArg)
	}
	return nil
}

func (s *Spec) checkEnv() error {
	seen := make(map[string]bool, len(s.Env))
	for _, v := range s.Env {
		name, _, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return fieldErrorf("env", "%.40q is not NAME=value", v)
		}
		if strings.HasPrefix(name, "OCTASKLY_") {
			return fieldErrorf("env", "%q cannot be set: names that begin with OCTASKLY_ are octaskly's own", name)
		}
		if seen[name] {
			return fieldErrorf("env", "%q is given twice", name)
		}
		seen[name] = true
		if err := checkArg("env", v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkDir() error {
	switch {
	case s.Dir == "":
		return nil
	case s.Dir[0] != '/':
		return fieldErrorf("cwd", "%q is not absolute; it names a directory of the worker's machine", s.Dir)
	case len(s.Dir) > 4095 || strings.IndexByte(s.Dir, 0) >= 0:
		return fieldErrorf("cwd", "it is no path: too long, or with a NUL byte")
	}
	return nil
}

func (s *Spec) checkRetries() error {
	switch {
	case s.Retries < 0 || s.Retries > MaxRetries:
		return fieldErrorf("retries", "%d is not from 0 to %d", s.Retries, MaxRetries)
	case s.Backoff < 0 || s.Backoff > MaxTimeout:
		return fieldErrorf("backoff", "%v is not from 0 to ten years", s.Backoff)
	case s.Timeout < 0 || s.Timeout > MaxTimeout:
		return fieldErrorf("timeout", "%v is not from 0 to ten years", s.Timeout)
	}
	return nil
}

func (s *Spec) checkRoom() error {
	if len(s.Room) > 16 || len(s.Needs) > 64 {
		return fieldErrorf("room", "too many resources or features")
	}
	for name, n := range s.Room {
		if name != CPU && name != Memory {
			return fieldErrorf("room", "no resource is named %q", name)
		}
		if n <= 0 || n > maxRoom {
			return fieldErrorf(name, "%d is out of range", n)
		}
	}
	for _, need := range s.Needs {
		if need == "" || len(need) > 64 {
			return fieldErrorf("needs", "%.64q is no feature", need)
		}
	}
	return nil
}
