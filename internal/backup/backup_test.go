package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
	hash  = strings.Repeat("0123456789abcdef", 4)
)

// stateDir is that of a dispatcher that has accepted one job, with files of each
// kind. The store stays open.
func stateDir(t *testing.T) (dir string, s *store.Store) {
	t.Helper()
	dir = t.TempDir()
	s, err := store.Open(ctx, filepath.Join(dir, database), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	accept(t, s)
	for name, text := range map[string]string{
		"blobs/" + hash: "input", "blobs/.upload-1": "half", "output/1/0.1": "output", "output/1/strange": "", "fleet.key": "secret",
		Authority: "sealed",
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir, s
}

func accept(t *testing.T, s *store.Store) octaskly.JobID {
	t.Helper()
	id, err := s.NextJobID()
	if err != nil {
		t.Fatal(err)
	}
	job := octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
	err = s.Commit(ctx, &store.Changes{
		Jobs: []octaskly.Job{job}, Progress: []store.ProgressRow{{Job: job.ID, Progress: octaskly.Progress{Unclaimed: job.Elements}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return job.ID
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// What goes into a backup comes out of it, under another generation, and no more.
func TestThereAndBack(t *testing.T) {
	dir, s := stateDir(t)
	file := filepath.Join(t.TempDir(), "b.tar")
	wrote, err := Write(ctx, dir, file, "test")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s) // afterwards
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("beside the backup: %v", left)
	}
	to := t.TempDir()
	read, err := Restore(ctx, file, to, false)
	if err != nil || *read != *wrote {
		t.Fatalf("restored %+v of %+v: %v", read, wrote, err)
	}
	for name, want := range map[string]string{"blobs/" + hash: "input", "output/1/0.1": "output", Authority: "sealed"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	if names := list(t, to); strings.Join(names, " ") != "authority.pem blobs/"+hash+" octaskly.db output/1/0.1" {
		t.Errorf("restored: %v", names)
	}
	restored, err := store.Open(ctx, filepath.Join(to, database), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if _, err := restored.Job(ctx, 1); err != nil {
		t.Error(err)
	}
	if id, err := restored.NextJobID(); err != nil || restored.Generation() == s.Generation() || id < 1000 {
		t.Errorf("it is taken for what was backed up: %v", restored.Generation())
	}
	if _, err := Write(ctx, dir, file, "test"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("written over: %v", err)
	}
	if _, err := Restore(ctx, file, to, false); err == nil || !strings.Contains(err.Error(), "mv "+to+"/octaskly.db*") {
		t.Errorf("restored over: %v", err)
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestNothingToBackUp(t *testing.T) {
	dir := t.TempDir()
	if _, err := Write(ctx, t.TempDir(), filepath.Join(dir, "b.tar"), "test"); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("an empty directory is backed up: %v", err)
	}
	if left := list(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// members makes an archive; a nil text is a link.
type member struct {
	name string
	text []byte
	kind byte
}

func archive(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: m.name, Size: int64(len(m.text)), Mode: 0o600}
		if m.kind != 0 {
			h.Typeflag, h.Linkname = m.kind, "/etc"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.text); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.Bytes()
}

// whole are the members of a backup.
func whole(t *testing.T) []member {
	t.Helper()
	dir, _ := stateDir(t)
	file := filepath.Join(t.TempDir(), "b.tar")
	if _, err := Write(ctx, dir, file, "test"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []member
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		text, readErr := io.ReadAll(r)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		all = append(all, member{name: h.Name, text: text})
	}
}

// An archive that is not what Write writes leaves a state directory as it was.
func TestRestoreRefuses(t *testing.T) {
	good := whole(t)
	with := func(at int, m ...member) []member {
		return append(append(append([]member(nil), good[:at]...), m...), good[at:]...)
	}
	future, _ := json.Marshal(Manifest{Format: 99})
	for name, test := range map[string]struct {
		members []member
		want    string
	}{
		"nothing":              {nil, "ends in its midst"},
		"no manifest":          {good[1:], "it is no backup of octaskly"},
		"a manifest of others": {append([]member{{name: first, text: []byte("{}")}}, good[1:]...), "it is no backup of octaskly"},
		"of the future":        {append([]member{{name: first, text: future}}, good[1:]...), "install a newer octaskly"},
		"no end":               {good[:len(good)-1], "ends in its midst"},
		"no database":          {append([]member{good[0]}, good[2:]...), `no member "authority.pem"`},
		"out of the directory": {with(2, member{name: "../evil", text: []byte("x")}), `no member "../evil"`},
		"deep out of it":       {with(2, member{name: "output/1/../../../evil", text: []byte("x")}), "no member"},
		"absolute":             {with(2, member{name: "/etc/evil", text: []byte("x")}), "no member"},
		"a link":               {with(2, member{name: "output/7", kind: tar.TypeSymlink}), "no file that a backup has"},
		"a directory":          {with(2, member{name: "output/7/", kind: tar.TypeDir}), "no file that a backup has"},
		"the key":              {with(2, member{name: "fleet.key", text: []byte("x")}), "no member"},
		"twice":                {with(4, good[3]), "exists"},
		"a second database":    {with(3, good[1]), "no member"},
		"a broken database":    {append([]member{good[0], {name: database, text: good[1].text[:8192]}}, good[2:]...), "cannot use database"},
		"text for a database":  {append([]member{good[0], {name: database, text: []byte(strings.Repeat("no ", 900))}}, good[2:]...), "it is no database of octaskly"},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			file, to := filepath.Join(above, "b.tar"), filepath.Join(above, "state")
			writeFile(t, file, string(archive(t, test.members)))
			writeFile(t, filepath.Join(to, "fleet.key"), "mine")
			_, err := Restore(ctx, file, to, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant …%s…", err, test.want)
			}
			if names := list(t, above); strings.Join(names, " ") != "b.tar state/fleet.key" {
				t.Errorf("left: %v", names)
			}
		})
	}
}

// Root restores for the user whose directory it is.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir, _ := stateDir(t)
	file, to := filepath.Join(t.TempDir(), "b.tar"), t.TempDir()
	if err := os.Chown(to, 54321, 54322); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(ctx, dir, file, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(ctx, file, to, false); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !ownedBy(info, 54321, 54322) {
			t.Errorf("%s is not the owner's", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzRestore feeds anything to the part that takes archives apart.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("no archive"))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{first, database, "blobs/" + hash, "output/1/0.1", last} {
		text := `{"format":1}`
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600})
		io.WriteString(w, text)
	}
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		above := t.TempDir()
		to := filepath.Join(above, "state")
		if err := os.Mkdir(to, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(to)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		r, err := newReader(ctx, root)
		if err != nil {
			t.Fatal(err)
		}
		r.unpack(bytes.NewReader(data))
		for _, name := range list(t, above) {
			name, inside := strings.CutPrefix(name, "state/"+unpacked+"/")
			if !inside || name != database && name != Authority && !isFile(name) {
				t.Fatalf("%q was written", name)
			}
		}
	})
}

// What has no end, no beginning, or more bytes than it has, is refused at once.
func TestRestoreRefusesOddFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, hollow, packed := filepath.Join(dir, "fifo"), filepath.Join(dir, "octaskly.db"), filepath.Join(dir, "sparse.tar")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.WriteFile(hollow, []byte("x"), 0o600), os.Truncate(hollow, 1<<30)); err != nil {
		t.Fatal(err)
	}
	manifest, _ := json.Marshal(Manifest{Format: format})
	writeFile(t, filepath.Join(dir, first), string(manifest))
	if said, err := exec.Command("tar", "--format=pax", "-S", "-C", dir, "-cf", packed, first, "octaskly.db").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for file, want := range map[string]string{
		fifo: "is no regular file", dir: "is no regular file", packed: `member "octaskly.db" is no file that a backup has`, hollow: "it is no backup",
	} {
		to := t.TempDir()
		if _, err := Restore(ctx, file, to, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", filepath.Base(file), err, want)
		}
		if left := list(t, to); len(left) > 0 {
			t.Errorf("%s leaves %v", filepath.Base(file), left)
		}
	}
	for file, want := range map[string]string{fifo: "is no regular file", hollow: "it is no backup", filepath.Join(dir, "none"): "no such file", packed: ""} {
		if err := Look(file); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a look at %s: %v, want …%s…", filepath.Base(file), err, want)
		}
	}
}

// TestLookAtLittle tells what was never a backup from what is the beginning of one.
func TestLookAtLittle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for text, want := range map[string]string{
		"":                                  "it is no backup of octaskly",
		"# octaskly":                        "it is no backup of octaskly",
		strings.Repeat("a line\n", 1000):    "it is no backup of octaskly",
		strings.Repeat("\x00", 10240):       "it is no backup of octaskly",
		first[:5]:                           "ends in its midst",
		first + strings.Repeat("\x00", 100): "ends in its midst",
	} {
		writeFile(t, file, text)
		if err := Look(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want …%s…", text, err, want)
		}
	}
}
