package sandbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

var update = flag.Bool("update", false, "write the golden specs anew")

// debian is a Debian 12 with everything on it.
func debian() *Host {
	return &Host{
		Landlock: 6,
		Root:     map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"},
		Etc:      []string{"/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl"},
		Lib:      []string{"/usr/lib", "/usr/lib64"},
		Resolver: []string{"/etc/hosts", "/etc/resolv.conf"},
		Common:   commonNames,
	}
}

func example() *Task {
	return &Task{
		Argv: []string{"make", "-j2"}, Env: []string{"PATH=/usr/bin", "A=b"}, Workspace: "/var/work/1", Tmp: "/var/work/1.tmp",
		UID: 1862270976, GID: 1862270976, Umask: 0o22, Limits: Limits{OpenFiles: 256, Processes: 10, CPUTime: 300, FileSize: 1 << 30},
	}
}

var boxLevels = octaskly.Levels[1:]

func TestGoldenSpecs(t *testing.T) {
	if nativeArch != specs.ArchX86_64 {
		t.Skip("they are written for amd64")
	}
	for _, level := range boxLevels {
		spec, err := Build(level, example(), debian())
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		encoder := json.NewEncoder(&got)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(spec); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", level.String()+".json"), got.Bytes())
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: if this is meant, run go test -update\n%s", path, diff)
	}
}

func drawTask(t *rapid.T) *Task {
	word := rapid.StringMatching(`[a-zA-Z0-9=/ .]{1,12}`)
	path := rapid.StringMatching(`(/[a-z]{1,8}){1,4}`)
	id := rapid.Uint32Range(1, maxID)
	task := &Task{
		Argv: rapid.SliceOfN(word, 1, 4).Draw(t, "argv"), Env: rapid.SliceOfN(word, 0, 4).Draw(t, "env"),
		Workspace: path.Draw(t, "workspace"), UID: id.Draw(t, "uid"), GID: id.Draw(t, "gid"),
		Umask: rapid.Uint32Range(0, 0o777).Draw(t, "umask"), TmpSize: rapid.Int64Range(0, maxTmp).Draw(t, "size"),
		Limits: Limits{
			OpenFiles: rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(minOpen, maxOpen)).Draw(t, "files"),
			Processes: rapid.Uint64().Draw(t, "processes"), CPUTime: rapid.Uint64().Draw(t, "cpu"), FileSize: rapid.Uint64().Draw(t, "size"),
		},
	}
	for _, optional := range []*string{&task.Dir, &task.Tmp} {
		if rapid.Bool().Draw(t, "given") {
			*optional = path.Draw(t, "path")
		}
	}
	if rapid.Bool().Draw(t, "shown") {
		task.Show = []string{"/opt" + path.Draw(t, "show")}
	}
	return task
}

func drawHost(t *rapid.T) *Host {
	h := debian()
	h.Landlock = rapid.IntRange(0, 9).Draw(t, "landlock")
	if rapid.Bool().Draw(t, "not merged") {
		h.Root = map[string]string{"bin": "", "sbin": "", "lib": "", "lib64": ""}
	}
	return h
}

// Any task gives a plan that octaskly-init understands, and its room is the same
// for all tasks: it stands before the task is known.
func TestAnyTask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level, h, task := rapid.SampledFrom(boxLevels).Draw(t, "level"), drawHost(t), drawTask(t)
		task.HostNetwork = level != octaskly.LevelVeryStrict && rapid.Bool().Draw(t, "network")
		s, err := NewStarter("octaskly-init", level, task.HostNetwork, *h)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := Build(level, task, h)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Compile(spec)
		if err != nil {
			t.Fatal(err)
		}
		quick, err := s.Plan(task)
		if diff := cmp.Diff(whole, quick); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if diff := cmp.Diff(s.blank.Room, whole.Room); diff != "" {
			t.Fatal("the room depends on the task: ", diff)
		}
		if s.blank.Cloneflags != whole.Cloneflags || s.blank.Unshareflags != whole.Unshareflags {
			t.Fatal("the namespaces depend on the task")
		}
		for _, order := range []struct {
			frame []byte
			want  plan.Order
		}{{whole.Room.Encode(), &whole.Room}, {whole.Task.Encode(), &whole.Task}} {
			got, err := plan.DecodeOrder(order.frame[plan.HeaderSize:])
			if diff := cmp.Diff(order.want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
		given := 0
		for _, op := range whole.Task.Mounts {
			if op.Kind == plan.Given {
				given++
			}
		}
		if given != len(whole.Sources) {
			t.Fatalf("%d directories for %d mounts", len(whole.Sources), given)
		}
	})
}

// What is stricter never allows what is weaker forbids.
func TestLevelsAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, task := drawHost(t), drawTask(t)
		task.HostNetwork = false
		var built []*specs.Spec
		for _, level := range boxLevels {
			spec, err := Build(level, task, h)
			if err != nil {
				t.Fatal(err)
			}
			built = append(built, spec)
		}
		for i, stricter := range built[1:] {
			compare := ordered{t, built[i], stricter}
			compare.rights()
			compare.namespaces()
			compare.mounts()
			compare.landlock()
		}
	})
}

type ordered struct {
	*rapid.T
	weaker, stricter *specs.Spec
}

func (o ordered) rights() {
	if diff := cmp.Diff(o.weaker.Process.Rlimits, o.stricter.Process.Rlimits); diff != "" {
		o.Fatal("limits differ: ", diff)
	}
	for _, spec := range []*specs.Spec{o.weaker, o.stricter} {
		p := spec.Process
		if !p.NoNewPrivileges || spec.Linux.Seccomp == nil || *p.OOMScoreAdj <= 0 || !cmp.Equal(p.Capabilities, &specs.LinuxCapabilities{}) || p.User.UID == 0 || p.User.GID == 0 || p.User.AdditionalGids != nil {
			o.Fatalf("it has rights: %+v", p)
		}
	}
}

func (o ordered) namespaces() {
	for _, ns := range o.weaker.Linux.Namespaces {
		if !slices.Contains(o.stricter.Linux.Namespaces, ns) {
			o.Fatalf("no namespace %v", ns.Type)
		}
	}
}

// writable are the places that a box may write to, and executable those of them
// that it may execute from. The machine's own root is all of these.
func places(spec *specs.Spec) (writable, executable []string) {
	for _, m := range spec.Mounts {
		if !slices.Contains(m.Options, "ro") {
			writable = append(writable, m.Destination)
			if !slices.Contains(m.Options, "noexec") {
				executable = append(executable, m.Destination)
			}
		}
	}
	return writable, executable
}

func (o ordered) mounts() {
	for _, m := range o.stricter.Mounts {
		if !slices.Contains(m.Options, "nosuid") {
			o.Fatalf("%v is not nosuid", m)
		}
		if !slices.Contains(m.Options, "nodev") && !slices.Contains(devices, m.Destination) {
			o.Fatalf("%v is not nodev", m)
		}
	}
	writable, executable := places(o.stricter)
	if allowed := []string{Workspace, tmp, "/dev/shm"}; !subset(writable, allowed) {
		o.Fatalf("it can write %q", writable)
	}
	if o.weaker.Mounts[0].Destination != "/" {
		return // whose root is the machine's
	}
	w, x := places(o.weaker)
	if !subset(writable, w) || !subset(executable, x) {
		o.Fatalf("it can write %q, execute %q; the weaker one %q, %q", writable, executable, w, x)
	}
	for _, m := range o.stricter.Mounts {
		if m.Type == "bind" && m.Source == m.Destination && !visible(o.weaker, m.Source) {
			o.Fatalf("only the stricter one shows %q", m.Source)
		}
	}
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

func (o ordered) landlock() {
	weaker, stricter := landlockOf(o.T, o.weaker), landlockOf(o.T, o.stricter)
	if weaker.FS == 0 {
		return
	}
	if weaker.FS&^stricter.FS != 0 || weaker.Net&^stricter.Net != 0 || weaker.Scoped&^stricter.Scoped != 0 {
		o.Fatalf("%+v takes less than %+v", stricter, weaker)
	}
	for _, rule := range stricter.Rules {
		var access uint64
		for _, w := range weaker.Rules {
			if rule.Path == w.Path || strings.HasPrefix(rule.Path, w.Path+"/") {
				access |= w.Access
			}
		}
		if rule.Access&^access != 0 {
			o.Fatalf("%q has %#x, where the weaker one has %#x", rule.Path, rule.Access, access)
		}
	}
}

func landlockOf(t *rapid.T, spec *specs.Spec) plan.Landlock {
	p, err := Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p.Task.Landlock
}

func TestRefusedTasks(t *testing.T) {
	for name, spoil := range map[string]func(*Task){
		"no command":      func(t *Task) { t.Argv = nil },
		"empty command":   func(t *Task) { t.Argv = []string{""} },
		"root":            func(t *Task) { t.UID = 0 },
		"root's group":    func(t *Task) { t.GID = 0 },
		"nobody at all":   func(t *Task) { t.UID = 1<<32 - 1 },
		"NUL":             func(t *Task) { t.Argv = []string{"a\x00"} },
		"NUL in env":      func(t *Task) { t.Env = []string{"A=\x00"} },
		"no workspace":    func(t *Task) { t.Workspace = "" },
		"relative":        func(t *Task) { t.Workspace = "work" },
		"root directory":  func(t *Task) { t.Workspace = "/" },
		"detour":          func(t *Task) { t.Dir = "/work/../../etc" },
		"trailing slash":  func(t *Task) { t.Tmp = "/a/" },
		"show /proc":      func(t *Task) { t.Show = []string{"/proc/1"} },
		"show /etc":       func(t *Task) { t.Show = []string{"/etc"} },
		"show /work":      func(t *Task) { t.Show = []string{"/work/x"} },
		"show too much":   func(t *Task) { t.Show = slices.Repeat([]string{"/opt"}, 17) },
		"umask":           func(t *Task) { t.Umask = 0o1000 },
		"size":            func(t *Task) { t.TmpSize = -1 },
		"few open files":  func(t *Task) { t.Limits.OpenFiles = 3 },
		"many open files": func(t *Task) { t.Limits.OpenFiles = 1 << 30 },
	} {
		task := example()
		spoil(task)
		for _, level := range boxLevels {
			if _, err := Build(level, task, debian()); err == nil {
				t.Errorf("%s: there is a box of level %v", name, level)
			}
		}
	}
}

func TestRefusedLevels(t *testing.T) {
	for _, level := range []octaskly.Level{0, octaskly.LevelNone, 5} {
		if _, err := Build(level, example(), debian()); err == nil {
			t.Errorf("there is a box of %v", level)
		}
	}
	connected := example()
	connected.HostNetwork = true
	if _, err := Build(octaskly.LevelVeryStrict, connected, debian()); err == nil {
		t.Error("very-strict has a network")
	}
	for _, level := range []octaskly.Level{octaskly.LevelBasic, octaskly.LevelStrict} {
		spec, err := Build(level, connected, debian())
		if err != nil || slices.ContainsFunc(spec.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.NetworkNamespace }) {
			t.Errorf("%v has no network: %v", level, err)
		}
	}
}

// A spec that Compile does not understand in full is none.
func TestCompileRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*specs.Spec){
		"namespace": func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: "user"})
		},
		"others' ns": func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "/proc/1/ns/mnt" },
		"capability": func(s *specs.Spec) { s.Process.Capabilities.Effective = []string{"CAP_KILL"} },
		"bounding":   func(s *specs.Spec) { s.Process.Capabilities.Bounding = []string{"CAP_NONE"} },
		"limit":      func(s *specs.Spec) { s.Process.Rlimits[0].Type = "RLIMIT_NONE" },
		"mount":      func(s *specs.Spec) { s.Mounts[1].Type = "overlay" },
		"option":     func(s *specs.Spec) { s.Mounts[1].Options = append(s.Mounts[1].Options, "suid") },
		"links":      func(s *specs.Spec) { s.Annotations[annotationLinks] = "{" },
		"landlock":   func(s *specs.Spec) { s.Annotations[annotationLandlock] = `{"allow":[{"path":"/","access":"all"}]}` },
	} {
		spec, err := Build(octaskly.LevelStrict, example(), debian())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Compile(spec); err != nil {
			t.Fatal(err)
		}
		spoil(spec)
		if p, err := Compile(spec); err == nil {
			t.Errorf("%s: it becomes %+v", name, p)
		}
	}
}

func TestProbe(t *testing.T) {
	h, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(h.Etc, h.Lib, h.Resolver) {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if _, ok := h.Root["bin"]; !ok || len(h.Lib) == 0 {
		t.Errorf("%+v", h)
	}
}

func BenchmarkPlan(b *testing.B) {
	s, err := NewStarter("octaskly-init", octaskly.LevelStrict, false, *debian())
	if err != nil {
		b.Fatal(err)
	}
	task := example()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Plan(task); err != nil {
			b.Fatal(err)
		}
	}
}

// A task may start at its box's root. The machine's it is never shown.
func TestRootIsNotShown(t *testing.T) {
	task := example()
	task.Dir = "/"
	for _, level := range boxLevels {
		if _, err := Build(level, task, debian()); err != nil {
			t.Errorf("level %v: %v", level, err)
		}
	}
	task.Show = []string{"/"}
	for _, level := range boxLevels {
		if _, err := Build(level, task, debian()); err == nil {
			t.Errorf("level %v shows the machine's root", level)
		}
	}
}
