package scheduler

// A job can be held up whatever workers there are.
const (
	AtOnce Why = "at-once" // as many of its tasks are with workers as may be
	Quota  Why = "quota"   // as many of its owner's are
	Later  Why = "later"   // jobs before it have yet to be read from disk
)

// Hold is what keeps tasks of a job in the queue, whatever workers there are.
type Hold struct {
	Why       Why
	Most, Has int64 // tasks with workers
}

// Holds is all that holds up j; nothing: it takes part.
func (j *Job) Holds() (holds []Hold) {
	if j.Later {
		holds = append(holds, Hold{Why: Later})
	}
	if j.AtOnce > 0 && j.Active >= int64(j.AtOnce) {
		holds = append(holds, Hold{AtOnce, int64(j.AtOnce), j.Active})
	}
	if j.owner.full() {
		holds = append(holds, Hold{Quota, j.owner.most, j.owner.active})
	}
	return holds
}

// Ahead is how many jobs in line were accepted before j, and how many of their
// tasks may be placed.
func (q *Queue) Ahead(j *Job) (jobs, tasks int64) {
	for _, l := range q.lines {
		for _, other := range l.jobs {
			if other.ID < j.ID {
				jobs++
				tasks += other.ready()
			}
		}
	}
	return jobs, tasks
}

// stall keeps its line's account of what AtOnce holds up.
func (j *Job) stall() {
	was := j.stalled
	if j.stalled = 0; j.AtOnce > 0 && !j.Later {
		j.stalled = j.Waiting - max(0, j.ready())
	}
	j.line.stalled += j.stalled - was
}
