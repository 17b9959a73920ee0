package sqlitefile

import (
	"encoding/binary"
	"slices"
)

// Row is a row of a table or, without an id, an entry of an index. Values are
// nil, int64, float64, string or []byte.
type Row struct {
	ID     int64
	Values []any
}

// Lost is what could not be read.
type Lost struct {
	Pages int // that should have held rows, or led to others that do
	Rows  int // on pages that could be read
}

// Add sums up.
func (l *Lost) Add(other Lost) { l.Pages, l.Rows = l.Pages+other.Pages, l.Rows+other.Rows }

// The kinds of pages of a tree: the first byte of each.
const (
	indexInterior = 0x02
	tableInterior = 0x05
	indexLeaf     = 0x0a
	tableLeaf     = 0x0d
)

func interior(kind byte) bool { return kind == indexInterior || kind == tableInterior }

// maxDepth is more than a tree of 2^31 pages needs.
const maxDepth = 24

// Walk yields the rows of the tree that begins at the page root, in their order,
// and says what it could not read. index says which kind of tree it is. Only an
// error of yield ends it early.
func (f *File) Walk(root uint32, index bool, yield func(Row) error) (lost Lost, err error) {
	w := walk{f, index, yield, &lost}
	return lost, w.down(root, maxDepth)
}

type walk struct {
	*File
	index bool
	yield func(Row) error
	lost  *Lost
}

// down yields what is on a page and below it.
func (w *walk) down(number uint32, depth int) error {
	if depth == 0 || !w.mark(number) {
		w.lost.Pages++
		return nil
	}
	n, err := w.node(number)
	if err != nil || n.index() != w.index {
		w.lost.Pages++
		return nil
	}
	w.lost.Rows += n.torn
	for _, c := range n.cells {
		if interior(n.kind) {
			if err := w.down(c.child, depth-1); err != nil {
				return err
			}
		}
		if err := w.row(n, c); err != nil {
			return err
		}
	}
	if interior(n.kind) {
		return w.down(n.last, depth-1)
	}
	return nil
}

// row yields the row of a cell, if it has one.
func (w *walk) row(n *node, c cell) error {
	if n.kind == tableInterior {
		return nil
	}
	row, err := w.decode(n, c)
	if err != nil {
		w.lost.Rows++
		return nil
	}
	return w.yield(row)
}

// Orphans yields the rows on pages that nothing has led to, of both kinds of
// trees, and those past a torn frame of the log. Which table they are of is for
// yield to find out.
func (f *File) Orphans(yield func(row Row, index bool) error) error {
	for number := uint32(1); number <= f.pages; number++ {
		if f.marked(number) {
			continue
		}
		p, err := f.page(number)
		if err != nil {
			continue
		}
		if err := f.orphan(p, yield); err != nil {
			return err
		}
	}
	for _, one := range f.log.beyond {
		p, err := f.read(f.wal, one.at, one.page)
		if err != nil {
			continue
		}
		p.loose = true
		if err := f.orphan(p, yield); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) orphan(p page, yield func(row Row, index bool) error) error {
	n, err := f.parse(p)
	if err != nil || n.kind == tableInterior {
		return nil
	}
	for _, c := range n.cells {
		row, err := f.decode(n, c)
		if err != nil {
			continue
		}
		if err := yield(row, n.index()); err != nil {
			return err
		}
	}
	return nil
}

// node is a page of a tree.
type node struct {
	page
	kind  byte
	last  uint32 // interior: the page that comes after the last cell
	cells []cell
	torn  int // cells that cannot be
}

// cell is where a row lies, or another page.
type cell struct {
	child   uint32
	id      int64
	size    int64 // of the row, in bytes
	payload int   // where the row begins
}

func (n *node) index() bool { return n.kind == indexInterior || n.kind == indexLeaf }

func (f *File) node(number uint32) (*node, error) {
	p, err := f.page(number)
	if err != nil {
		return nil, err
	}
	return f.parse(p)
}

// parse reads the header and the cells of a page.
func (f *File) parse(p page) (*node, error) {
	at := 0
	if p.number == 1 {
		at = headerSize
	}
	if len(p.data) < at+12 {
		return nil, errPage
	}
	n := &node{page: p, kind: p.data[at]}
	if !slices.Contains([]byte{indexInterior, tableInterior, indexLeaf, tableLeaf}, n.kind) {
		return nil, errPage
	}
	count := int(binary.BigEndian.Uint16(p.data[at+3:]))
	pointers := at + 8
	if interior(n.kind) {
		n.last = binary.BigEndian.Uint32(p.data[at+8:])
		pointers += 4
	}
	if pointers+2*count > len(p.data) {
		return nil, errPage
	}
	n.cells = make([]cell, 0, count)
	room := int64(len(p.data)) // for rows: no two share a byte
	for i := range count {
		start := int(binary.BigEndian.Uint16(p.data[pointers+2*i:]))
		c, ok := n.cell(start)
		if room -= f.local(c.size, n.index()); !ok || start < pointers+2*count || room < 0 {
			n.torn++
			continue
		}
		n.cells = append(n.cells, c)
	}
	return n, nil
}

// cell reads what comes before a row.
func (n *node) cell(at int) (c cell, ok bool) {
	if interior(n.kind) {
		if at+4 > len(n.data) {
			return c, false
		}
		c.child = binary.BigEndian.Uint32(n.data[at:])
		at += 4
	}
	if n.kind != tableInterior {
		size, used := varint(n.data, at)
		c.size, at = size, at+used
		if used == 0 || size < 1 {
			return c, false
		}
	}
	if !n.index() {
		id, used := varint(n.data, at)
		c.id, at = id, at+used
		if used == 0 {
			return c, false
		}
	}
	c.payload = at
	return c, true
}

// varint reads an integer of up to nine bytes. used is 0 where there is none.
func varint(data []byte, at int) (n int64, used int) {
	for i := range 9 {
		if at < 0 || at+i >= len(data) {
			return 0, 0
		}
		b := data[at+i]
		if i == 8 {
			return n<<8 | int64(b), 9
		}
		if n = n<<7 | int64(b&0x7f); b < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}
