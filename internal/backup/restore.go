package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/octaskly/octaskly/internal/store"
)

// trees are the directories of what is in files.
var trees = []string{"blobs", "output"}

var fileName = regexp.MustCompile(`^(blobs/[0-9a-f]{64}|output/[1-9][0-9]{0,18}/[0-9]{1,10}\.[0-9]{1,10})$`)

func isFile(name string) bool { return fileName.MatchString(filepath.ToSlash(name)) }

const (
	maxManifest = 64 << 10
	maxFile     = 1 << 40 // bytes of one member
	unpacked    = ".restore"
)

// open refuses what may never have an end, or a beginning.
func open(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%q is no regular file", file), f.Close())
	}
	return f, nil
}

// Look refuses a file that cannot be opened, or does not begin as a backup does.
func Look(file string) error {
	f, err := open(file)
	if err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	defer f.Close()
	h, err := tar.NewReader(f).Next()
	switch short := err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF); {
	case short && begun(f):
		err = errShort
	case short || err == nil && h.Name != first || errors.Is(err, tar.ErrHeader):
		err = errForeign
	}
	if err != nil {
		return fmt.Errorf("cannot restore %q: %w", file, err)
	}
	return nil
}

// begun reports whether a file that is shorter than the least of archives may once
// have been the beginning of a backup.
func begun(f io.ReaderAt) bool {
	name := make([]byte, len(first))
	n, _ := f.ReadAt(name, 0)
	return n > 0 && strings.HasPrefix(first, string(name[:n]))
}

// Restore makes what a backup holds the contents of a state directory, which
// nobody uses and which has no database. What it wrote before it failed is gone
// again.
//
// When a dispatcher opens it, all logins of then end, and machine tokens, too, unless
// they are kept: what was revoked since is good again otherwise.
func Restore(ctx context.Context, file, stateDir string, keepTokens bool) (*Summary, error) {
	f, err := open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot restore: %w", err)
	}
	defer f.Close()
	s, err := restore(ctx, f, stateDir, keepTokens)
	if err != nil {
		return nil, fmt.Errorf("cannot restore %q to %q: %w", file, stateDir, err)
	}
	return s, nil
}

func restore(ctx context.Context, from io.Reader, stateDir string, keepTokens bool) (*Summary, error) {
	if err := mustBeFree(stateDir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(stateDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	r, err := newReader(ctx, root)
	if err != nil {
		return nil, err
	}
	defer root.RemoveAll(unpacked)
	if err := r.unpack(from); err != nil {
		return nil, err
	}
	path := filepath.Join(stateDir, unpacked, database)
	if err := store.Verify(ctx, path); err != nil {
		return nil, err
	}
	if r.summary.Logins, r.summary.Tokens, err = store.Restored(ctx, path, keepTokens); err != nil {
		return nil, err
	}
	if err := r.install(); err != nil {
		return nil, err
	}
	return &r.summary, syncDir(stateDir)
}

// mustBeFree refuses a directory that has what would be lost.
func mustBeFree(stateDir string) error {
	if _, err := os.Lstat(filepath.Join(stateDir, database)); err == nil {
		away := fmt.Sprintf("mkdir %[1]s.old && mv %[1]s/octaskly.db*", stateDir)
		for _, tree := range trees {
			if _, err := os.Lstat(filepath.Join(stateDir, tree)); err == nil {
				away += " " + filepath.Join(stateDir, tree)
			}
		}
		return fmt.Errorf("there is a database already; stop the dispatcher and move it away: %s %s.old", away, stateDir)
	}
	for _, tree := range trees {
		entries, err := os.ReadDir(filepath.Join(stateDir, tree))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(entries) > 0 {
			return fmt.Errorf("%s is not empty; move it away: mv %s %s.old", tree, filepath.Join(stateDir, tree), filepath.Join(stateDir, tree))
		}
	}
	return nil
}

// reader takes an archive apart, into a directory within the state directory.
type reader struct {
	ctx      context.Context
	root     *os.Root // the state directory
	uid, gid int      // whose that is
	dirs     map[string]bool
	summary  Summary

	authority bool // it has one
}

func newReader(ctx context.Context, root *os.Root) (*reader, error) {
	info, err := root.Stat(".")
	if err != nil {
		return nil, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return &reader{ctx: ctx, root: root, uid: int(owner.Uid), gid: int(owner.Gid), dirs: map[string]bool{}}, nil
}

func (r *reader) unpack(from io.Reader) error {
	if err := r.root.RemoveAll(unpacked); err != nil {
		return err
	}
	if err := r.mkdir(unpacked); err != nil {
		return err
	}
	archive := tar.NewReader(from)
	for i := 0; ; i++ {
		h, err := archive.Next()
		if err == io.EOF {
			return errShort
		}
		if errors.Is(err, tar.ErrHeader) && i == 0 {
			return errForeign
		}
		if err != nil {
			return fmt.Errorf("cannot read the backup: %w", shortOr(err))
		}
		whole, err := r.member(i, h, archive)
		if err != nil || whole {
			return err
		}
	}
}

// member takes one member, and reports whether it was the last.
func (r *reader) member(i int, h *tar.Header, data io.Reader) (whole bool, err error) {
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	switch {
	case h.Typeflag != tar.TypeReg || h.Size < 0 || h.Size > maxFile || sparse(h):
		return false, fmt.Errorf("member %.80q is no file that a backup has", h.Name)
	case i == 0:
		return false, r.manifest(h, data)
	case i == 1 && h.Name == database:
		r.summary.Database = h.Size
		return false, r.file(h, data)
	case i > 1 && h.Name == last:
		return true, nil
	case i == 2 && h.Name == Authority && h.Size <= maxManifest:
		r.authority = true
		return false, r.file(h, data)
	case i > 1 && isFile(h.Name):
		r.summary.Files++
		r.summary.Size += h.Size
		return false, r.file(h, data)
	}
	return false, fmt.Errorf("a backup has no member %.80q there", h.Name)
}

// sparse members grow as they are unpacked, without bound. We write none.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

var (
	errForeign = errors.New("it is no backup of octaskly, at least not as octasklyd dispatcher backup has written it; if it was compressed, decompress it first")
	errShort   = errors.New("the backup ends in its midst: its copy is not complete; copy it again, or take another one")
)

// shortOr is err, or what it means where a file ends too early.
func shortOr(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

func (r *reader) manifest(h *tar.Header, data io.Reader) error {
	if h.Name != first || h.Size > maxManifest {
		return errForeign
	}
	var m Manifest
	if json.NewDecoder(io.LimitReader(data, maxManifest)).Decode(&m) != nil || m.Format < 1 {
		return errForeign
	}
	if m.Format > format {
		return fmt.Errorf("it is of format %d, this program knows up to %d; install a newer octaskly", m.Format, format)
	}
	r.summary.At = m.CreatedAt
	return nil
}

// file writes a member to disk.
func (r *reader) file(h *tar.Header, data io.Reader) error {
	name := filepath.Join(unpacked, filepath.FromSlash(h.Name))
	if err := r.mkdirs(filepath.Dir(name)); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, data, h.Size); err != nil {
		return fmt.Errorf("cannot copy %.80q: %w", h.Name, shortOr(err))
	}
	if err := r.own(name); err != nil {
		return err
	}
	if err := r.root.Chtimes(name, h.ModTime, h.ModTime); err != nil { // its age counts for retention
		return err
	}
	return f.Sync()
}

// mkdirs makes a directory below the one that is unpacked to, and those above.
func (r *reader) mkdirs(name string) error {
	if r.dirs[name] || name == unpacked {
		return nil
	}
	if err := r.mkdirs(filepath.Dir(name)); err != nil {
		return err
	}
	r.dirs[name] = true
	return r.mkdir(name)
}

func (r *reader) mkdir(name string) error {
	if err := r.root.Mkdir(name, 0o700); err != nil {
		return err
	}
	return r.own(name)
}

// own gives something to whom the state directory belongs, where root restores.
func (r *reader) own(name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return r.root.Lchown(name, r.uid, r.gid)
}

// install moves what was unpacked to its place, the database at last: without
// it, nothing of the rest counts.
func (r *reader) install() (err error) {
	for _, tree := range trees {
		defer func() {
			if err != nil {
				r.root.RemoveAll(tree)
			}
		}()
		from := filepath.Join(unpacked, tree)
		if _, err := r.root.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := r.root.Remove(tree); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
			return err
		}
		if err := r.root.Rename(from, tree); err != nil {
			return err
		}
	}
	if err := syncTree(r.root, r.dirs); err != nil {
		return err
	}
	if r.authority { // in the place of one that nobody has logged in with
		if err := r.root.Rename(filepath.Join(unpacked, Authority), Authority); err != nil {
			return err
		}
	}
	return r.root.Rename(filepath.Join(unpacked, database), database)
}

// syncTree makes the names in directories durable.
func syncTree(root *os.Root, dirs map[string]bool) error {
	for name := range dirs {
		at, err := filepath.Rel(unpacked, name)
		if err != nil {
			return err
		}
		dir, err := root.Open(at)
		if err != nil {
			return err
		}
		err = errors.Join(dir.Sync(), dir.Close())
		if err != nil {
			return err
		}
	}
	return nil
}
