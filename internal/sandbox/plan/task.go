package plan

// Task is what makes a room the box of one task.
type Task struct {
	Argv, Env []string
	Path      string // where the program is looked for, as in the variable PATH
	Dir       string // where it starts, as seen in the box
	UID, GID  uint32
	Umask     uint32
	Mounts    []Op // kinds Given, Tmpfs and Bind
	Limits    []Limit
	Bounding  uint64 // capabilities that stay in the bounding set, a bit for each
	NoNewPriv bool
	Landlock  Landlock
	Filter    []byte // seccomp(2): struct sock_filter after struct sock_filter; empty: none
}

// Limit is one of setrlimit(2).
type Limit struct {
	Resource   uint32
	Soft, Hard uint64
}

// Landlock is a ruleset of landlock(7): what is handled, and who may. The zero
// Landlock is none.
type Landlock struct {
	FS, Net, Scoped uint64
	Rules           []Rule
}

// Rule allows Access, LANDLOCK_ACCESS_FS_*, at and below Path.
type Rule struct {
	Path   string
	Access uint64
}

// Bounds of a Task.
const (
	maxArgs   = 64 << 10
	maxLimits = 32
	maxRules  = 256
	maxFilter = 4096 * 8 // BPF_MAXINSNS
)

// Encode returns the frame of t.
func (t *Task) Encode() []byte {
	w := begin(kindTask)
	w.texts(t.Argv)
	w.texts(t.Env)
	w.text(t.Path)
	w.text(t.Dir)
	w.u32(t.UID)
	w.u32(t.GID)
	w.u32(t.Umask)
	w.ops(t.Mounts)
	w.u32(uint32(len(t.Limits)))
	for _, l := range t.Limits {
		w.u32(l.Resource)
		w.u64(l.Soft)
		w.u64(l.Hard)
	}
	w.u64(t.Bounding)
	w.flag(t.NoNewPriv)
	w.landlock(&t.Landlock)
	w.text(string(t.Filter))
	return w.frame()
}

func (t *Task) decode(b *reader) {
	t.Argv, t.Env = b.texts(maxArgs), b.texts(maxArgs)
	t.Path, t.Dir = b.text(MaxFrame), b.path()
	t.UID, t.GID, t.Umask = b.u32(), b.u32(), b.u32()
	t.Mounts = b.ops()
	t.Limits = make([]Limit, b.count(maxLimits, 20))
	for i := range t.Limits {
		t.Limits[i] = Limit{b.u32(), b.u64(), b.u64()}
	}
	t.Bounding, t.NoNewPriv = b.u64(), b.flag()
	b.landlock(&t.Landlock)
	t.Filter = []byte(b.text(maxFilter))
	switch {
	case len(t.Argv) == 0:
		b.fail("no command")
	case t.UID == 0 || t.GID == 0:
		b.fail("a task of root")
	case len(t.Filter)%8 != 0:
		b.fail("half an instruction")
	}
}

func (w *writer) landlock(l *Landlock) {
	w.u64(l.FS)
	w.u64(l.Net)
	w.u64(l.Scoped)
	w.u32(uint32(len(l.Rules)))
	for _, r := range l.Rules {
		w.text(r.Path)
		w.u64(r.Access)
	}
}

func (b *reader) landlock(l *Landlock) {
	l.FS, l.Net, l.Scoped = b.u64(), b.u64(), b.u64()
	l.Rules = make([]Rule, b.count(maxRules, 12))
	for i := range l.Rules {
		l.Rules[i] = Rule{b.path(), b.u64()}
	}
}
