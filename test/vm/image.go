package vm

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// scripts make the image.
//
//go:embed image/*.sh
var scripts embed.FS

// buildTimeout allows for a slow mirror; it takes 45 s.
const buildTimeout = 10 * time.Minute

// image is a directory with disk.raw, vmlinuz and initrd, and the saved states
// of machines that have booted from it. This process holds it shared, so that
// nobody removes it.
type image struct {
	dir  string
	held lock
}

// variant is what an image is called and which packages it has besides.
type variant struct{ name, tools string }

var (
	plain  = variant{"image", ""}
	tooled = variant{"tools", "gcc,libc6-dev,make,git,python3,nodejs,bubblewrap,crun,runc"}
)

var opened = struct {
	sync.Mutex
	images map[variant]*image
}{images: map[variant]*image{}}

// openImage finds or builds an image, once for this process.
func openImage(ctx context.Context, v variant, log *slog.Logger) (*image, error) {
	opened.Lock()
	defer opened.Unlock()
	if img := opened.images[v]; img != nil {
		return img, nil
	}
	if err := install(ctx); err != nil {
		return nil, err
	}
	img, err := findImage(ctx, v, log)
	if err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}
	opened.images[v] = img
	return img, nil
}

func findImage(ctx context.Context, v variant, log *slog.Logger) (*image, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	work, held, err := scratch(ctx, filepath.Join(cache, "work"))
	if err != nil {
		return nil, err
	}
	defer held.Close()
	defer os.RemoveAll(work)
	hash, err := prepare(ctx, v, work)
	if err != nil {
		return nil, err
	}
	return claim(ctx, v, filepath.Join(cache, v.name+"-"+hash), work, log)
}

// prepare puts what an image is made from into a directory and returns its hash.
func prepare(ctx context.Context, v variant, work string) (string, error) {
	if err := os.CopyFS(work, scripts); err != nil {
		return "", err
	}
	build := []string{"go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(work, "agent"), "github.com/octaskly/octaskly/test/vm/agent"}
	if err := run(ctx, "", []string{"CGO_ENABLED=0"}, build...); err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, v.tools)
	for _, name := range []string{"agent", "image/build.sh", "image/customize.sh", "image/essential.sh"} {
		text, err := os.ReadFile(filepath.Join(work, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, len(text))
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// claim returns the image in dir, made from what work holds if there is none.
func claim(ctx context.Context, v variant, dir, work string, log *slog.Logger) (*image, error) {
	held, err := openLock(dir + ".lock")
	if err != nil {
		return nil, err
	}
	img := &image{dir: dir, held: held}
	for {
		if err := held.take(ctx, shared); err != nil {
			return nil, errors.Join(err, held.Close())
		}
		if _, err := os.Stat(dir); err == nil {
			return img, nil
		}
		if err := img.build(ctx, v, work, log); err != nil {
			return nil, errors.Join(err, held.Close())
		}
	}
}

// build makes the image, unless another process does by the time it has the
// lock, and removes those before it that nobody uses.
func (img *image) build(ctx context.Context, v variant, work string, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	if err := img.held.take(ctx, exclusive); err != nil {
		return err
	}
	if _, err := os.Stat(img.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	log.Info("building an image of virtual machines", "dir", img.dir, "tools", v.tools)
	began := time.Now()
	out := filepath.Join(work, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	if err := run(ctx, out, nil, "sh", filepath.Join(work, "image/build.sh"), filepath.Join(work, "image"), filepath.Join(work, "agent"), v.tools); err != nil {
		return err
	}
	if err := os.Rename(out, img.dir); err != nil {
		return err
	}
	log.Info("built an image of virtual machines", "took", time.Since(began).Round(time.Second))
	return prune(img.dir)
}

// prune removes the other images of dir's variant that nobody holds.
func prune(dir string) error {
	name, _, _ := strings.Cut(filepath.Base(dir), "-")
	locks, err := filepath.Glob(filepath.Join(filepath.Dir(dir), name+"-*.lock"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range locks {
		if path == dir+".lock" {
			continue
		}
		l, err := openLock(path)
		if err != nil {
			return err
		}
		if l.try(exclusive) {
			errs = append(errs, os.RemoveAll(path[:len(path)-len(".lock")]))
		}
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func (img *image) file(name string) string { return filepath.Join(img.dir, name) }
