package sqlitefile

import (
	"encoding/binary"
	"errors"
	"math"
)

const (
	maxRow     = 64 << 20 // bytes; octaskly's are far below it
	maxColumns = 2000     // SQLite's own limit
)

var errRow = errors.New("the row is damaged")

// decode reads the row of a cell.
func (f *File) decode(n *node, c cell) (Row, error) {
	payload, err := f.payload(n, c)
	if err != nil {
		return Row{}, err
	}
	values, err := record(payload)
	return Row{c.id, values}, err
}

// local is how much of a row lies on its page; the rest is on overflow pages.
func (f *File) local(size int64, index bool) int64 {
	u := int64(f.usable)
	most := u - 35
	if index {
		most = (u-12)*64/255 - 23
	}
	if size <= most {
		return size
	}
	least := (u-12)*32/255 - 23
	if k := least + (size-least)%(u-4); k <= most {
		return k
	}
	return least
}

func (f *File) payload(n *node, c cell) ([]byte, error) {
	if c.size > maxRow || c.size > int64(f.pages)*int64(f.pageSize) {
		return nil, errRow
	}
	local := f.local(c.size, n.index())
	end := c.payload + int(local)
	if end > len(n.data) {
		return nil, errRow
	}
	if local == c.size {
		return n.data[c.payload:end], nil
	}
	if end+4 > len(n.data) || n.loose {
		return nil, errRow
	}
	next := binary.BigEndian.Uint32(n.data[end:])
	return f.overflow(append([]byte(nil), n.data[c.payload:end]...), next, c.size)
}

// overflow adds the rest of a row, page after page.
func (f *File) overflow(row []byte, next uint32, size int64) ([]byte, error) {
	for int64(len(row)) < size {
		p, err := f.page(next)
		if f.budget--; err != nil || f.budget < 0 {
			return nil, errRow
		}
		f.mark(next)
		part := int(min(size-int64(len(row)), int64(f.usable-4)))
		if 4+part > len(p.data) {
			return nil, errRow
		}
		row = append(row, p.data[4:4+part]...)
		next = binary.BigEndian.Uint32(p.data)
	}
	if next != 0 {
		return nil, errRow
	}
	return row, nil
}

// record splits a row into its values. Header and values must fill it exactly.
func record(data []byte) ([]any, error) {
	length, at := varint(data, 0)
	if at == 0 || length < int64(at) || length > int64(len(data)) {
		return nil, errRow
	}
	header, body := data[:length], data[length:]
	var values []any
	for at < len(header) {
		kind, used := varint(header, at)
		if used == 0 || len(values) == maxColumns {
			return nil, errRow
		}
		size, ok := sizeOf(kind)
		if !ok || size > int64(len(body)) {
			return nil, errRow
		}
		values = append(values, value(kind, body[:size]))
		at, body = at+used, body[size:]
	}
	if len(body) > 0 {
		return nil, errRow
	}
	return values, nil
}

// sizeOf is how many bytes a value of a kind takes.
func sizeOf(kind int64) (size int64, ok bool) {
	switch {
	case kind < 0 || kind == 10 || kind == 11:
		return 0, false
	case kind >= 12:
		return (kind - 12) / 2, true
	}
	return []int64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[kind], true
}

func value(kind int64, data []byte) any {
	switch {
	case kind == 0:
		return nil
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(data))
	case kind == 8 || kind == 9:
		return kind - 8
	case kind < 7:
		return integer(data)
	case kind%2 == 0:
		return append([]byte{}, data...)
	}
	return string(data)
}

func integer(data []byte) int64 {
	n := int64(int8(data[0]))
	for _, b := range data[1:] {
		n = n<<8 | int64(b)
	}
	return n
}
