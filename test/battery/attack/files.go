package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var files = table{
	"shared-files": func([]string) []trial {
		return []trial{
			onProgram("flock", lock),
			onProgram("lease", func(fd int) error { _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); return err }),
			onProgram("write lock", func(fd int) error {
				return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
			}),
			onProgram("notify", func(fd int) error { _, err := unix.FcntlInt(uintptr(fd), unix.F_NOTIFY, 1); return err }),
		}
	},
	"execute": func([]string) []trial {
		return []trial{
			{"workspace", func() error { return executeIn(".") }},
			{"/tmp", func() error { return executeIn("/tmp") }},
			{"/dev/shm", func() error { return executeIn("/dev/shm") }},
		}
	},
	"memfd": func([]string) []trial { return []trial{{"memfd_create and execveat", executeMemory}} },
	"map":   func([]string) []trial { return []trial{{"map a file to execute it", mapFile}} },
	"deep":  func(args []string) []trial { return []trial{{"a deep tree", func() error { return deep(args[0]) }}} },
	"names": func([]string) []trial { return []trial{{"hostile names", names}} },
	"crowd": func(args []string) []trial { return []trial{{"many files", func() error { return crowd(args[0]) }}} },
	"input": func([]string) []trial {
		return []trial{{"write the input", func() error { return reopen("/proc/self/fd/0", os.O_WRONLY) }}}
	},
	"output": func([]string) []trial {
		return []trial{
			{"read the output", func() error { return reopen("/proc/self/fd/1", os.O_RDONLY|unix.O_NONBLOCK) }},
			{"shrink the pipe", func() error { _, err := unix.FcntlInt(1, unix.F_SETPIPE_SZ, 4096); return err }},
			{"grow the pipe", func() error { _, err := unix.FcntlInt(1, unix.F_SETPIPE_SZ, 16<<20); return err }},
			{"no waiting", func() error { return unix.SetNonblock(1, true) }},
		}
	},
	"descriptors": func([]string) []trial { return []trial{{"open files without end", exhaust}} },
	"writable": func(args []string) []trial {
		return []trial{{"directories that can be written", func() error { return writable(args) }}}
	},
}

func onProgram(what string, do func(fd int) error) trial {
	return trial{what, func() error {
		fd, err := unix.Open("/usr/bin/env", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return do(fd)
	}}
}

// lock waits for its turn: at other levels the same is tried at the same time.
func lock(fd int) error {
	for {
		if err := unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

func executeIn(dir string) error {
	program, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		return err
	}
	path := dir + "/program"
	if err := os.WriteFile(path, program, 0o700); err != nil {
		return err
	}
	defer os.Remove(path)
	process, err := os.StartProcess(path, []string{path}, &os.ProcAttr{})
	if err == nil {
		_, err = process.Wait()
	}
	return err
}

func executeMemory() error {
	fd, err := unix.MemfdCreate("program", 0)
	if err != nil {
		return err
	}
	program, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, program); err != nil {
		return err
	}
	path := "/proc/self/fd/" + strconv.Itoa(fd)
	process, err := os.StartProcess(path, []string{"true"}, &os.ProcAttr{})
	if err == nil {
		_, err = process.Wait()
	}
	return err
}

func mapFile() error {
	f, err := os.CreateTemp(".", "map")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		return err
	}
	_, err = unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	return err
}

// deep makes directories, each in the one before it.
func deep(levels string) error {
	n, err := strconv.Atoi(levels)
	for range n {
		if err = errors.Join(unix.Mkdir("d", 0o700), unix.Chdir("d")); err != nil {
			return err
		}
	}
	return err
}

// crowd makes files until there is no room for more.
func crowd(most string) error {
	n, err := strconv.Atoi(most)
	for i := range n {
		fd, err := unix.Open(strconv.Itoa(i), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		unix.Close(fd)
	}
	return err
}

// names makes what a careless hand might take for something else.
func names() error {
	long := strings.Repeat("x", 255)
	for i, name := range []string{"-rf", "--", "a\nb", "\x1b[2J", "\xff\xfe", " ", "*", "$(reboot)", "..data", ".\n.", long, "%s%n", "work", "\u202eegalf"} {
		if err := os.MkdirAll(name+"/"+name, 0o700); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		if err := errors.Join(os.WriteFile(name+"/f", nil, 0), os.Symlink("/", name+"/root"), os.Symlink("/etc/shadow", name+"/l"), os.Symlink("..", name+"/up"),
			unix.Mkfifo(name+"/fifo", 0o666), unix.Mknod(name+"/socket", unix.S_IFSOCK|0o666, 0), os.Link(name+"/fifo", name+"/hard")); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
		if err := errors.Join(os.Chmod(name+"/"+name, 0), os.Chmod(name, 0o100)); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
	}
	return os.Chmod(".", 0)
}

// reopen opens what is open already, and uses it.
func reopen(path string, flags int) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if flags&unix.O_ACCMODE == os.O_RDONLY {
		return nil
	}
	_, err = unix.Write(fd, []byte("overwritten"))
	return err
}

// exhaust opens files until it may not.
func exhaust() error {
	for n := 3; ; n++ {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
			fmt.Println(n)
			return err
		}
	}
}

// writable lists, of some trees, directories where a file can be made.
func writable(roots []string) error {
	var found []string
	for _, root := range roots {
		walk(root, 0, &found)
	}
	slices.Sort(found)
	return errors.New(strings.Join(append(found, "end"), ","))
}

// maxDepth is enough for what every machine has.
const maxDepth = 6

func walk(dir string, depth int, found *[]string) {
	path := dir + "/octaskly-attack-was-here"
	if fd, err := unix.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600); err == nil {
		unix.Close(fd)
		_ = unix.Unlink(path)
		*found = append(*found, dir)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() && depth < maxDepth {
			walk(strings.TrimSuffix(dir, "/")+"/"+e.Name(), depth+1, found)
		}
	}
}
