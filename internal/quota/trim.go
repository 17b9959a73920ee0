package quota

import (
	"log/slog"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// worthTrimming is how many bytes the image may take that no file does.
const worthTrimming = 64 << 20

// trimmer gives back to the disk of an image what files in it no longer take. The
// mount option "discard" would do so with each removal, which then takes five
// times as long.
type trimmer struct {
	image string
	root  int // descriptor
	log   *slog.Logger
	due   chan struct{} // holds one when files have been removed; closed by stop
	ended chan struct{} // closed when it has stopped
}

func startTrimmer(image string, root int, log *slog.Logger) *trimmer {
	t := &trimmer{image, root, log, make(chan struct{}, 1), make(chan struct{})}
	go t.run()
	return t
}

// remind has the trimmer see whether there is something to do.
func (t *trimmer) remind() {
	select {
	case t.due <- struct{}{}:
	default:
	}
}

// stop waits for a trim that has begun.
func (t *trimmer) stop() {
	close(t.due)
	<-t.ended
}

func (t *trimmer) run() {
	defer close(t.ended)
	var kept int64 // what could not be given back: tables of inodes, mainly
	for range t.due {
		idle, err := t.idle()
		if err == nil && idle > kept+worthTrimming {
			err = trim(t.root)
			if err == nil {
				kept, err = t.idle()
			}
		}
		if err != nil {
			t.log.Warn("cannot shrink the image of the pool", "image", t.image, "error", err)
		}
	}
}

// idle is how many bytes the image takes that no file does.
func (t *trimmer) idle() (int64, error) {
	var image unix.Stat_t
	if err := unix.Stat(t.image, &image); err != nil {
		return 0, err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(t.root, &fs); err != nil {
		return 0, err
	}
	return image.Blocks*512 - int64(fs.Blocks-fs.Bfree)*fs.Bsize, nil
}

// trim punches holes where nothing is; see ioctl_fitrim(2).
func trim(root int) error {
	const fitrim = 0xc0185879 // FITRIM
	all := struct{ start, length, least uint64 }{length: math.MaxUint64}
	return ioctl(root, fitrim, unsafe.Pointer(&all))
}
