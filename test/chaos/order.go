package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// promise is how each task of an order must end, unless it is cancelled.
type promise struct {
	State     octaskly.State
	Reason    octaskly.Reason
	Failures  int   // attempts that fail by themselves; of a task that completes, at most
	Stdout    int64 // bytes beside the line that each attempt prints
	AtMostOne bool
}

// order is a job that is to be submitted.
type order struct {
	Tag         string // the job's name
	Sort        string // for people
	Submission  api.Submission
	Input       string        // to be uploaded before
	Tasks       int64         // of an array; 0: a plain job
	CancelAfter time.Duration // from its acceptance; 0: it is not cancelled
	Retry       bool          // once more by hand when it has failed
	Want        promise
}

// sorts are the kinds of orders, each as often as it is to come, relatively.
var sorts = []func(*order, *rand.Rand, time.Duration) []string{
	short, short, short, short, short, short, long, long, long, array, array,
	flaky, failing, bulky, timed, alone, alone, alone, doomed, doomed, litter, reader,
}

// catalogue makes orders, the same for the same seed.
type catalogue struct {
	random *rand.Rand
	lease  time.Duration
	argv   []string // of every task, to begin with
	n      int
}

func newCatalogue(seed uint64, lease time.Duration, argv []string) *catalogue {
	return &catalogue{random: rand.New(rand.NewPCG(seed, 2)), lease: lease, argv: argv}
}

// next makes an order. Three of four have an idempotency key.
func (c *catalogue) next() *order {
	c.n++
	o := &order{Tag: "c" + strconv.Itoa(c.n), Want: promise{State: octaskly.Completed}}
	o.Submission.Name = o.Tag
	flags := sorts[c.random.IntN(len(sorts))](o, c.random, c.lease)
	if c.random.IntN(4) > 0 {
		o.Submission.Key = "key-" + o.Tag
	}
	if o.Want.AtMostOne {
		o.Submission.AtMostOne, o.Submission.CPUs = true, askAlone
	}
	for _, arg := range slices.Concat(c.argv, []string{"-tag", o.Tag}, flags) {
		o.Submission.Argv = append(o.Submission.Argv, api.Text(arg))
	}
	return o
}

func short(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort = "short"
	return take(r, 0, lease/40)
}

func long(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort = "long"
	return take(r, lease/10, lease*3/2)
}

func array(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Tasks = "array", 2+r.Int64N(12)
	o.Submission.Array = fmt.Sprintf("0-%d", o.Tasks-1)
	if r.IntN(2) == 0 {
		o.Submission.AtOnce = 1 + r.IntN(3)
	}
	return take(r, 0, lease/10)
}

func flaky(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Submission.Retries = "flaky", 1+r.IntN(3)
	o.Want.Failures = o.Submission.Retries
	o.Submission.Backoff = seconds(lease / 40)
	return append(take(r, 0, lease/10), "-fail-until", strconv.Itoa(o.Submission.Retries))
}

func failing(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Submission.Retries, o.Retry = "failing", r.IntN(3), r.IntN(2) == 0
	o.Submission.Backoff = seconds(lease / 40)
	o.Want = promise{State: octaskly.Failed, Reason: octaskly.ReasonExit(3), Failures: o.Submission.Retries + 1}
	return append(take(r, 0, lease/10), "-code", "3")
}

// bulky has output that does not travel with its end.
func bulky(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Want.Stdout = "bulky", 3*octaskly.InlineOutput+r.Int64N(1<<20)
	return append(take(r, 0, lease/10), "-out", strconv.FormatInt(o.Want.Stdout, 10))
}

func timed(o *order, _ *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Submission.Timeout = "timed", seconds(lease/6)
	o.Want = promise{State: octaskly.TimedOut, Reason: octaskly.ReasonTimeout, Failures: 1}
	return []string{"-run", "1h"}
}

// alone is a task with --at-most-one.
func alone(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Want.AtMostOne = "alone", true
	flags := append(take(r, lease/10, lease*5/2), "-alive")
	if r.IntN(3) == 0 {
		flags = append(flags, "-deaf")
	}
	return flags
}

// doomed is cancelled, most often while it runs.
func doomed(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.CancelAfter = "doomed", 1+milliseconds(r, 0, lease/2)
	if r.IntN(3) == 0 {
		o.Tasks = 2 + r.Int64N(4)
		o.Submission.Array = fmt.Sprintf("0-%d", o.Tasks-1)
	}
	return take(r, lease/10, lease*2)
}

// litter leaves a process behind.
func litter(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort = "litter"
	return append(take(r, 0, lease/10), "-litter")
}

// reader checks its standard input.
func reader(o *order, r *rand.Rand, lease time.Duration) []string {
	o.Sort, o.Input = "reader", fmt.Sprintf("input %d of %s\n", r.Uint64(), o.Tag)
	sum := sha256.Sum256([]byte(o.Input))
	hash := hex.EncodeToString(sum[:])
	o.Submission.Stdin = octaskly.Blob(hash)
	return append(take(r, 0, lease/10), "-stdin", hash)
}

func take(r *rand.Rand, from, to time.Duration) []string {
	return []string{"-run", milliseconds(r, from, to).String()}
}

func seconds(d time.Duration) *api.Seconds { return (*api.Seconds)(&d) }
