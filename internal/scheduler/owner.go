package scheduler

// owner is whose jobs they are: how many of his tasks may be with workers.
type owner struct {
	name   string
	most   int64 // 0: no such limit
	active int64 // with workers
	lines  int   // of his jobs
}

// full reports whether no further task of his may be placed.
func (o *owner) full() bool { return o.most > 0 && o.active >= o.most }

func (q *Queue) ownerOf(name string) *owner {
	o := q.owners[name]
	if o == nil {
		o = &owner{name: name}
		if q.most != nil {
			o.most = max(0, q.most(name))
		}
		q.owners[name] = o
	}
	return o
}

// leave forgets an owner when nothing is known of his.
func (q *Queue) leave(o *owner) {
	if o.lines--; o.lines == 0 {
		delete(q.owners, o.name)
	}
}

// Limit asks for each owner of jobs, now and when one comes, how many of his tasks
// may be with workers at the same time; 0 is no limit. Those that are there stay.
func (q *Queue) Limit(most func(owner string) int64) {
	q.most = most
	for name, o := range q.owners {
		o.most = max(0, most(name))
	}
}

// Full reports whether j waits because its owner has with workers as much as he
// may, and how much that is.
func (j *Job) Full() (most int64, full bool) { return j.owner.most, j.owner.full() }

// Held reports whether, in the latest Assign, a limit kept tasks from workers.
func (q *Queue) Held() bool { return q.held }
