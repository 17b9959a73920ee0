package quota

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrUnavailable says that nothing here can bound disk space. The error around
// it says why, and what the operator can do.
var ErrUnavailable = errors.New("disk space cannot be bounded")

// Options say what Open may do where the file system has no project quotas.
type Options struct {
	// Image is the path of the pool's image, beside the directory, in one that
	// root alone can write.
	Image string
	// Size of the image, in bytes. If 0, no pool is made, but one that is
	// mounted is used; it has the size that it was made with.
	Size int64
	// Log gets a line when a pool is made. If nil, nothing is logged.
	Log *slog.Logger
}

// Disk bounds directories on one file system. It is for any number of
// goroutines, but for Close.
type Disk struct {
	dir   string
	root  int    // descriptor of dir
	on    uint64 // device number of the file system
	block uint64 // its unit of allocation, in bytes
	says  string

	image string   // of the pool that is mounted on dir; if empty, there is none
	trims *trimmer // of that pool, or nil
}

// Open finds how directories below dir, which is there, can be bounded: by
// project quotas of its file system where they are enforced, else by a pool, else
// the error is an ErrUnavailable.
func Open(dir string, o Options) (*Disk, error) {
	d, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("cannot bound directories in %q: %w", dir, err)
	}
	return d, nil
}

func open(dir string, o Options) (*Disk, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := privileged(); err != nil {
		return nil, err
	}
	if found, err := findPool(dir, o.Image); err != nil {
		return nil, err
	} else if found {
		return openPool(dir, o)
	}
	d, err := openDisk(dir, "")
	if !errors.Is(err, ErrUnavailable) {
		return d, err
	}
	if o.Size == 0 {
		return nil, fmt.Errorf("%w; disk_pool = \"auto\" makes a pool that does", err)
	}
	if why := makePool(dir, o); why != nil {
		return nil, fmt.Errorf("%w; nor can a pool be made: %w", err, why)
	}
	if d, err = openPool(dir, o); err != nil {
		return nil, errors.Join(err, removePool(dir, o.Image))
	}
	return d, nil
}

func openPool(dir string, o Options) (*Disk, error) {
	d, err := openDisk(dir, o.Image)
	if err == nil {
		d.trims = startTrimmer(d.image, d.root, o.Log)
	}
	return d, err
}

// openDisk opens a directory of a file system that enforces project quotas.
func openDisk(dir, image string) (*Disk, error) {
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, root: root, image: image}
	if err := d.learn(); err != nil {
		unix.Close(root)
		return nil, err
	}
	return d, nil
}

// learn asks the file system about itself.
func (d *Disk) learn() error {
	var stat unix.Stat_t
	if err := unix.Fstat(d.root, &stat); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(d.root, &fs); err != nil {
		return err
	}
	d.on, d.block = stat.Dev, uint64(fs.Bsize)
	place, err := placeOf(d.dir, fs.Type)
	if err != nil {
		return err
	}
	if enforced, err := enforces(d.root); err != nil || !enforced {
		return place.unavailable(err)
	}
	d.says = "project quotas of " + place.String()
	if d.image != "" {
		d.says, err = describe(d.image)
	}
	return err
}

// String says what bounds directories, for people.
func (d *Disk) String() string { return d.says }

// Close takes the pool away, with all that is in it: at once if nobody uses it,
// else as soon as nobody does. A process that wants to find it again just ends.
func (d *Disk) Close() error {
	err := d.leave()
	if d.image != "" {
		err = errors.Join(err, removePool(d.dir, d.image))
	}
	if err != nil {
		return fmt.Errorf("cannot close %s: %w", d, err)
	}
	return nil
}

// leave ends all but the pool.
func (d *Disk) leave() error {
	if d.trims != nil {
		d.trims.stop()
	}
	return unix.Close(d.root)
}
