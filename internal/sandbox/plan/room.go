package plan

// Room is what a box is before it has a task.
type Room struct {
	Hostname string // empty: as it is
	OOMScore int32  // see proc_pid_oom_score_adj(5)
	Loopback bool   // the loopback interface is switched on
	Fresh    bool   // the root is new and empty; otherwise it is the machine's
	RootAttr uint32 // MOUNT_ATTR_* of the new root, once the task's mounts are in it
	RootData string // options of the new root's tmpfs
	Ops      []Op
}

// Kind is what an Op does.
type Kind uint8

const (
	File  Kind = 1 // write Source into a new file
	Link  Kind = 2 // make a symbolic link that says Source
	Bind  Kind = 3 // show what the machine has at Source, with what is mounted below it
	Tmpfs Kind = 4 // mount a tmpfs with options Source
	Proc  Kind = 5 // mount a proc with options Source
	Mask  Kind = 6 // hide what is there, if anything is
	Given Kind = 7 // put a mount there that comes as a descriptor
)

// Op is one step of furnishing. Where the root is new, it makes what it needs
// to exist at Target.
type Op struct {
	Kind   Kind
	Target string // absolute, as seen in the box
	Source string
	Attr   uint32 // MOUNT_ATTR_* of what is mounted
}

// Bounds of a Room.
const (
	MaxOps  = 512
	maxPath = 4096
)

// Encode returns the frame of r.
func (r *Room) Encode() []byte {
	w := begin(kindRoom)
	w.text(r.Hostname)
	w.u32(uint32(r.OOMScore))
	w.flag(r.Loopback)
	w.flag(r.Fresh)
	w.u32(r.RootAttr)
	w.text(r.RootData)
	w.ops(r.Ops)
	return w.frame()
}

func (r *Room) decode(b *reader) {
	r.Hostname = b.text(64)
	r.OOMScore = int32(b.u32())
	r.Loopback, r.Fresh = b.flag(), b.flag()
	r.RootAttr = b.u32()
	r.RootData = b.text(maxPath)
	r.Ops = b.ops()
}

func (w *writer) ops(ops []Op) {
	w.u32(uint32(len(ops)))
	for _, op := range ops {
		w.u8(uint8(op.Kind))
		w.text(op.Target)
		w.text(op.Source)
		w.u32(op.Attr)
	}
}

func (b *reader) ops() []Op {
	ops := make([]Op, b.count(MaxOps, 13))
	for i := range ops {
		ops[i] = Op{Kind: Kind(b.u8()), Target: b.path(), Source: b.text(MaxFrame), Attr: b.u32()}
		if ops[i].Kind < File || ops[i].Kind > Given {
			b.fail("no kind of step")
		}
	}
	return ops
}
