// Package test holds what crosses rooms: the tests of the architecture itself,
// and below it those that start real daemons.
package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// module is the module path with a trailing slash.
const module = "github.com/octaskly/octaskly/"

// source is one Go file of the module.
type source struct {
	path string // from the top of the module
	pkg  string // the file's directory
	test bool
	file *ast.File // parsed up to the imports, with comments
}

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, imp)
	}
	return paths
}

// tree returns every Go file of this module. It reads the files itself rather
// than calling `go list`, so `go test` notices changes and does not serve a
// stale cached pass.
func tree(t *testing.T) []source {
	t.Helper()
	files, err := sources(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sources(fsys fs.FS) ([]source, error) {
	var files []source
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(fsys, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly|parser.ParseComments)
		files = append(files, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), file})
		return err
	})
	return files, err
}

// skip returns fs.SkipDir for directories that hold no packages of this module:
// those the go command ignores and modules of their own.
func skip(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	if err == nil || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	return nil
}
