package executor

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Account is the user that commands run as. A nil *Account is this process's own.
type Account struct {
	Name   string
	Home   string
	UID    int
	GID    int
	Groups []int // supplementary
}

// LookupAccount finds a user of this machine by name; a number is a name for
// nobody but this process's own user.
func LookupAccount(name string) (*Account, error) {
	a, err := lookupAccount(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find user %q: %w", name, err)
	}
	return a, nil
}

func lookupAccount(name string) (*Account, error) {
	if own := ownAccount(); own.Name == name { // whom /etc/passwd need not know
		return own, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	a := &Account{Name: u.Username, Home: u.HomeDir, Groups: make([]int, len(groups))}
	errs := []error{readID(u.Uid, &a.UID), readID(u.Gid, &a.GID)}
	for i, group := range groups {
		errs = append(errs, readID(group, &a.Groups[i]))
	}
	return a, errors.Join(errs...)
}

// readID reads a uid or a gid. The greatest one means none (chown(2)).
func readID(text string, id *int) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && n == 1<<32-1 {
		err = fmt.Errorf("%q is no id", text)
	}
	*id = int(n)
	return err
}

// ownAccount is this process's user, by number if there is no name.
func ownAccount() *Account {
	a := &Account{Name: strconv.Itoa(os.Geteuid()), Home: "/", UID: os.Geteuid(), GID: os.Getegid()}
	if u, err := user.Current(); err == nil {
		a.Name, a.Home = u.Username, u.HomeDir
	}
	return a
}

// credential is what a command starts with.
func (a *Account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	c := &syscall.Credential{Uid: uint32(a.UID), Gid: uint32(a.GID)}
	for _, group := range a.Groups {
		c.Groups = append(c.Groups, uint32(group))
	}
	return c
}

// own gives an open file to the account.
func (a *Account) own(fd int) error {
	if a == nil {
		return nil
	}
	return unix.Fchown(fd, a.UID, a.GID)
}

// look calls f with the account's rights to files and with none of ours, in a
// thread that ends afterwards. That takes 50 µs.
//
// Only the thread's user for files changes (setfsuid(2)): were it the thread's
// user altogether, the account's processes could send signals to all of us. The
// kernel takes root's rights to files away with it, see capabilities(7).
func (a *Account) look(f func()) error {
	if a == nil {
		f()
		return nil
	}
	assumed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock it: nobody else gets this thread
		err := a.assume()
		if err == nil {
			f()
		}
		assumed <- err
	}()
	return <-assumed
}

// assume changes the calling thread for good.
func (a *Account) assume() error {
	err := unix.Setgroups(a.Groups) // unlike package syscall's: of this thread
	if err == nil {
		err = assumeID(unix.SetfsgidRetGid, a.GID)
	}
	if err == nil {
		err = assumeID(unix.SetfsuidRetUid, a.UID)
	}
	if err == nil {
		// With CAP_SYS_PTRACE it could follow /proc/PID/cwd of anybody.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		err = unix.Capset(&header, &make([]unix.CapUserData, 2)[0])
	}
	if err != nil {
		return fmt.Errorf("cannot look at files as user %q: %w", a.Name, err)
	}
	return nil
}

// assumeID calls one of setfsuid(2) and setfsgid(2), which return the old id and
// never an error.
func assumeID(set func(int) (int, error), id int) error {
	_, _ = set(id)
	if now, _ := set(-1); now != id {
		return unix.EPERM
	}
	return nil
}

// admit lets the account go to its workspaces, and not see what else there is.
func (x *Executor) admit() error {
	a := x.account
	switch {
	case a == nil:
		return nil
	case a.UID == 0:
		return fmt.Errorf("cannot run commands as %q: that is root", a.Name)
	}
	work := x.path("work")
	err := errors.Join(os.Chmod(x.dir, 0o711), os.Chmod(work, 0o711))
	if err != nil {
		return err
	}
	if lookErr := a.look(func() { err = unix.Faccessat(unix.AT_FDCWD, work, unix.X_OK, unix.AT_EACCESS) }); lookErr != nil {
		return lookErr
	}
	if err != nil {
		return fmt.Errorf("user %q, whom commands run as, cannot enter %q: %w; let others pass the directories above it (chmod o+x)", a.Name, work, err)
	}
	return nil
}
