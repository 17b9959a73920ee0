package vm

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// awaiting is how long Await waits where the context sets no deadline.
const awaiting = 30 * time.Second

// Account runs commands in a machine as one of its users.
type Account struct {
	machine *Machine
	user    string
}

// As returns the account of a user of the guest.
func (m *Machine) As(user string) Account { return Account{m, user} }

// Command prepares a command, which is killed when ctx is done.
func (a Account) Command(ctx context.Context, argv ...string) *Command {
	return &Command{Argv: argv, User: a.user, machine: a.machine, ctx: ctx}
}

// Run runs a command to its end.
func (a Account) Run(ctx context.Context, argv ...string) Result {
	return a.Command(ctx, argv...).Run()
}

// Shell runs a script with bash, which ends where a command of it fails.
func (a Account) Shell(ctx context.Context, script string) Result {
	return a.Run(ctx, "bash", "-euc", script)
}

// await tries a condition until it holds or the time is over, and shows what
// the last try said.
const await = `until said=$(bash -euc "$1" 2>&1); do
	(( SECONDS < $2 )) || { printf '%s\n' "$said" >&2; exit 1; }
	sleep 0.1
done
printf '%s\n' "$said"`

// Await waits, in the guest, for a script to succeed. It fails with the output
// of the last try when ctx, or else half a minute, is about to end.
func (a Account) Await(ctx context.Context, condition string) Result {
	patience := awaiting
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline)-2*time.Second, time.Second)
	}
	return a.Run(ctx, "bash", "-c", await, "await", condition, strconv.Itoa(int(patience.Seconds())))
}

// Put copies a file of the host to the guest and makes the directories above.
func (a Account) Put(ctx context.Context, host, guest string, mode fs.FileMode) Result {
	file, err := os.Open(host)
	if err != nil {
		return Result{Code: -1, Err: err}
	}
	defer file.Close()
	return a.write(ctx, guest, file, mode)
}

// WriteFile makes a file of the guest, and the directories above.
func (a Account) WriteFile(ctx context.Context, guest, text string, mode fs.FileMode) Result {
	return a.write(ctx, guest, strings.NewReader(text), mode)
}

func (a Account) write(ctx context.Context, guest string, from io.Reader, mode fs.FileMode) Result {
	c := a.Command(ctx, "install", "-D", "-m", fmt.Sprintf("%o", mode.Perm()), "/dev/stdin", guest)
	c.Stdin = from
	return c.Run()
}

// Get copies a file of the guest to the host.
func (a Account) Get(ctx context.Context, guest, host string) Result {
	file, err := os.Create(host)
	if err != nil {
		return Result{Code: -1, Err: err}
	}
	c := a.Command(ctx, "cat", guest)
	c.Stdout = file
	r := c.Run()
	if err := file.Close(); err != nil && r.Err == nil {
		r.Code, r.Err = -1, err
	}
	return r
}

// ReadFile returns what a file of the guest holds, as Stdout.
func (a Account) ReadFile(ctx context.Context, guest string) Result { return a.Run(ctx, "cat", guest) }
