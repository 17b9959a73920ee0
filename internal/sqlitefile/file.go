package sqlitefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// File is a database that is being read. It is for one goroutine.
type File struct {
	main, wal file // wal may be of size 0: there is none
	opened    []io.Closer
	pageSize  int
	usable    int    // bytes of a page that are not reserved
	pages     uint32 // pages are numbered from 1 to this
	header    bool   // page 1 begins as that of a database does
	log       log
	seen      []uint64 // one bit for each page that something has led to
	budget    int64    // of overflow pages that are still read
}

// file is one of the two files that a database is made of.
type file struct {
	io.ReaderAt
	size int64
}

const (
	magic       = "SQLite format 3\x00"
	headerSize  = 100
	defaultPage = 4096    // of every database that SQLite makes unless it is told otherwise
	maxPages    = 1 << 28 // 1 TiB of default pages
)

// Open opens the database at path, and path-wal where that is. It fails only
// where the system does, or where there is nothing like pages in them.
func Open(path string) (*File, error) {
	f := &File{}
	if err := errors.Join(f.open(path, &f.main), f.open(path+"-wal", &f.wal)); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.prepare(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// open opens one of the two files. There need not be a log.
func (f *File) open(path string, to *file) error {
	opened, err := os.Open(path)
	if to == &f.wal && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.opened = append(f.opened, opened)
	info, err := opened.Stat()
	if err == nil {
		*to = file{opened, info.Size()}
	}
	return err
}

// prepare reads what tells where all the rest is.
func (f *File) prepare() error {
	if err := f.readHeader(); err != nil {
		return err
	}
	if err := f.readLog(); err != nil {
		return err
	}
	have := (f.main.size + int64(f.pageSize) - 1) / int64(f.pageSize)
	f.pages = uint32(min(max(have, int64(f.log.pages)), have+int64(len(f.log.frames)), maxPages))
	f.seen, f.budget = make([]uint64, f.pages/64+1), 8*int64(f.pages)
	return nil
}

// Close closes what Open has opened.
func (f *File) Close() error {
	var errs []error
	for _, one := range f.opened {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// readHeader finds out how large pages are: from the first page, else from the
// log, else as SQLite makes them.
func (f *File) readHeader() error {
	f.pageSize, f.usable = defaultPage, defaultPage
	var h [headerSize]byte
	if _, err := f.main.ReadAt(h[:], 0); err != nil && err != io.EOF {
		return err
	}
	size := int(binary.BigEndian.Uint16(h[16:]))
	if size == 1 {
		size = 1 << 16
	}
	reserved := int(h[20])
	if string(h[:len(magic)]) == magic && validPage(size) && size-reserved >= 480 {
		f.header, f.pageSize, f.usable = true, size, size-reserved
		return nil
	}
	if size, ok := f.logPage(); ok {
		f.pageSize, f.usable = size, size
	}
	return nil
}

func validPage(size int) bool { return size >= 512 && size <= 1<<16 && size&(size-1) == 0 }

// Header reports whether the file begins as a database does.
func (f *File) Header() bool { return f.header }

// Pages is how many pages there are.
func (f *File) Pages() uint32 { return f.pages }

// Short is how many bytes the file lacks of the pages that its header counts.
// What lies in the log alone may be missing from the file.
func (f *File) Short() int64 {
	p, err := f.page(1)
	if err != nil || !f.header || len(p.data) < headerSize || f.log.pages > 0 {
		return 0
	}
	counted := binary.BigEndian.Uint32(p.data[28:])
	if binary.BigEndian.Uint32(p.data[24:]) != binary.BigEndian.Uint32(p.data[92:]) {
		return 0 // an old program has written last, which does not count them
	}
	return max(int64(counted)*int64(f.pageSize)-f.main.size, 0)
}

// page is the content of one page, as far as the file has it.
type page struct {
	number uint32
	data   []byte // shorter than a page where the file ends in its midst
	loose  bool   // of a log past its torn frame: what it points to may have changed
}

var errPage = errors.New("there is no such page")

func (f *File) page(number uint32) (page, error) {
	if number < 1 || number > f.pages {
		return page{}, fmt.Errorf("page %d: %w", number, errPage)
	}
	if at, ok := f.log.frames[number]; ok {
		return f.read(f.wal, at, number)
	}
	return f.read(f.main, int64(number-1)*int64(f.pageSize), number)
}

func (f *File) read(from file, at int64, number uint32) (page, error) {
	data := make([]byte, f.pageSize)
	n, err := from.ReadAt(data, at)
	if err != nil && err != io.EOF {
		return page{}, fmt.Errorf("page %d: %w", number, err)
	}
	return page{number: number, data: data[:min(n, f.usable)]}, nil
}

// mark notes that something has led to a page. It reports false when something
// else had, or there is none.
func (f *File) mark(number uint32) bool {
	if number < 1 || number > f.pages || f.marked(number) {
		return false
	}
	f.seen[number/64] |= 1 << (number % 64)
	return true
}

func (f *File) marked(number uint32) bool { return f.seen[number/64]>>(number%64)&1 == 1 }

// Free marks the pages of the list of those that hold nothing. What they held
// once is none of anybody's business. It reports false when the list cannot be
// followed to its end.
func (f *File) Free() bool {
	first, err := f.page(1)
	if err != nil || !f.header || len(first.data) < headerSize {
		return false
	}
	trunk := binary.BigEndian.Uint32(first.data[32:])
	for trunk != 0 {
		p, err := f.page(trunk)
		if err != nil || len(p.data) < f.usable || !f.mark(trunk) {
			return false
		}
		n := binary.BigEndian.Uint32(p.data[4:])
		if int64(n) > int64(f.usable/4-2) {
			return false
		}
		for i := range n {
			f.mark(binary.BigEndian.Uint32(p.data[8+4*i:]))
		}
		trunk = binary.BigEndian.Uint32(p.data)
	}
	return true
}
