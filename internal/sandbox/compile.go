package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// Plan is a spec as octaskly-init and who starts it understand it.
type Plan struct {
	// Cloneflags and Unshareflags are of the process that octaskly-init becomes, see
	// syscall.SysProcAttr. Its cgroup namespace has to be made when it is in its
	// cgroup.
	Cloneflags, Unshareflags uintptr
	Room                     plan.Room
	Task                     plan.Task
	// Sources are the directories of the task's mounts of kind plan.Given.
	Sources []string
}

// Compile turns a spec that Build has made, and what a test may have changed of
// it, into a plan. Whatever it does not understand is an error.
//
// The first mount at the task's workspace or /tmp and all after it are the
// task's; those before, and all that stands in an annotation but /etc/passwd and
// /etc/group, are the room's, and the same for all tasks of a level.
func Compile(spec *specs.Spec) (*Plan, error) { return compile(spec, &known{}) }

// known are results that need not be found again.
type known struct {
	calls    *specs.LinuxSeccomp
	filter   []byte
	landlock string
	rules    plan.Landlock
}

func compile(spec *specs.Spec, k *known) (*Plan, error) {
	p := &Plan{}
	err := errors.Join(p.namespaces(spec), p.room(spec), p.annotated(spec), p.landlock(spec, k), p.task(spec), p.filter(spec, k))
	if err != nil {
		return nil, fmt.Errorf("cannot compile a box: %w", err)
	}
	return p, nil
}

var cloneFlags = map[specs.LinuxNamespaceType]uintptr{
	specs.MountNamespace: unix.CLONE_NEWNS, specs.PIDNamespace: unix.CLONE_NEWPID, specs.IPCNamespace: unix.CLONE_NEWIPC,
	specs.NetworkNamespace: unix.CLONE_NEWNET, specs.UTSNamespace: unix.CLONE_NEWUTS,
}

func (p *Plan) namespaces(spec *specs.Spec) error {
	for _, ns := range spec.Linux.Namespaces {
		flag, ok := cloneFlags[ns.Type]
		switch {
		case ns.Path != "":
			return fmt.Errorf("a namespace of others, %q", ns.Path)
		case ns.Type == specs.CgroupNamespace:
			p.Unshareflags |= unix.CLONE_NEWCGROUP
		case !ok:
			return fmt.Errorf("no namespace of type %q", ns.Type)
		}
		p.Cloneflags |= flag
	}
	return nil
}

func (p *Plan) room(spec *specs.Spec) error {
	r := &p.Room
	r.Hostname = spec.Hostname
	r.Loopback = spec.Annotations[annotationLoopback] == loopbackUp
	if score := spec.Process.OOMScoreAdj; score != nil {
		r.OOMScore = int32(*score)
	}
	mounts, own := split(spec.Mounts)
	if len(mounts) > 0 && mounts[0].Destination == "/" {
		root, err := compileMount(mounts[0], plan.Tmpfs)
		if err != nil {
			return err
		}
		r.Fresh, r.RootAttr, r.RootData = true, root.Attr, root.Source
		mounts = mounts[1:]
	}
	for _, m := range mounts {
		op, err := compileMount(m, plan.Bind)
		if err != nil {
			return err
		}
		r.Ops = append(r.Ops, op)
	}
	for _, path := range spec.Linux.MaskedPaths {
		r.Ops = append(r.Ops, plan.Op{Kind: plan.Mask, Target: path})
	}
	for _, m := range own {
		op, err := compileMount(m, plan.Given)
		if err != nil {
			return err
		}
		if op.Kind == plan.Given {
			p.Sources, op.Source = append(p.Sources, op.Source), ""
		}
		p.Task.Mounts = append(p.Task.Mounts, op)
	}
	return nil
}

// split tells the room's mounts from the task's.
func split(mounts []specs.Mount) (room, task []specs.Mount) {
	i := slices.IndexFunc(mounts, func(m specs.Mount) bool { return m.Destination == Workspace || m.Destination == tmp })
	if i < 0 {
		return mounts, nil
	}
	return mounts[:i], mounts[i:]
}

// annotated adds what stands in annotations.
func (p *Plan) annotated(spec *specs.Spec) error {
	for _, a := range []struct {
		name string
		kind plan.Kind
	}{{annotationLinks, plan.Link}, {annotationFiles, plan.File}} {
		values := map[string]string{}
		if text := spec.Annotations[a.name]; text != "" {
			if err := json.Unmarshal([]byte(text), &values); err != nil {
				return fmt.Errorf("annotation %q: %w", a.name, err)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(values)) {
			op := plan.Op{Kind: a.kind, Target: path, Source: values[path]}
			if path == "/etc/passwd" || path == "/etc/group" {
				p.Task.Mounts = append(p.Task.Mounts, op)
			} else {
				p.Room.Ops = append(p.Room.Ops, op)
			}
		}
	}
	return nil
}

func (p *Plan) landlock(spec *specs.Spec, k *known) error {
	switch text := spec.Annotations[annotationLandlock]; text {
	case "":
	case k.landlock:
		p.Task.Landlock = k.rules
	default:
		l := &Landlock{}
		if err := json.Unmarshal([]byte(text), l); err != nil {
			return fmt.Errorf("annotation %q: %w", annotationLandlock, err)
		}
		p.Task.Landlock = l.compile()
	}
	return nil
}

func (p *Plan) filter(spec *specs.Spec, k *known) (err error) {
	switch spec.Linux.Seccomp {
	case nil:
	case k.calls:
		p.Task.Filter = k.filter
	default:
		p.Task.Filter, err = compileSeccomp(spec.Linux.Seccomp)
	}
	return err
}

func (p *Plan) task(spec *specs.Spec) error {
	proc, t := spec.Process, &p.Task
	t.Argv, t.Env, t.Dir, t.Path = proc.Args, proc.Env, proc.Cwd, SearchPath(proc.Env)
	t.UID, t.GID, t.NoNewPriv = proc.User.UID, proc.User.GID, proc.NoNewPrivileges
	if proc.User.Umask != nil {
		t.Umask = *proc.User.Umask
	}
	for _, limit := range proc.Rlimits {
		nr, ok := rlimitNumbers[limit.Type]
		if !ok {
			return fmt.Errorf("no limit %q", limit.Type)
		}
		t.Limits = append(t.Limits, plan.Limit{Resource: nr, Soft: limit.Soft, Hard: limit.Hard})
	}
	caps := proc.Capabilities
	if len(caps.Effective)+len(caps.Permitted)+len(caps.Inheritable)+len(caps.Ambient) > 0 {
		return errors.New("no task has capabilities")
	}
	for _, name := range caps.Bounding {
		nr := slices.Index(capabilities, name)
		if nr < 0 {
			return fmt.Errorf("no capability %q", name)
		}
		t.Bounding |= 1 << nr
	}
	return nil
}

// SearchPath is the PATH in env, as execvp(3) takes it.
func SearchPath(env []string) string {
	for _, v := range slices.Backward(env) {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			return p
		}
	}
	return "/bin:/usr/bin"
}
