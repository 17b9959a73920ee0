package plan

import (
	"encoding/binary"
	"strings"
)

// reader takes a frame apart. After the first fault it gives zeros only.
type reader struct {
	b     []byte
	fault error
}

// open reads what is before the body's own fields.
func open(body []byte) (kind, *reader) {
	b := &reader{b: body}
	if v := b.u8(); b.fault == nil && v != Version {
		b.fail("it is of another version")
	}
	return kind(b.u8()), b
}

func (b *reader) fail(why string) {
	if b.fault == nil {
		b.fault = &fault{why}
	}
	b.b = nil
}

// end says whether all of it could be read, and nothing is left.
func (b *reader) end() error {
	if b.fault == nil && len(b.b) > 0 {
		b.fail("bytes are left over")
	}
	return b.fault
}

func (b *reader) take(n int) []byte {
	if n > len(b.b) {
		b.fail("it is cut short")
		return nil
	}
	taken := b.b[:n]
	b.b = b.b[n:]
	return taken
}

func (b *reader) u8() uint8 {
	if v := b.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (b *reader) u32() uint32 {
	if v := b.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (b *reader) u64() uint64 {
	if v := b.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (b *reader) flag() bool {
	v := b.u8()
	if v > 1 {
		b.fail("neither yes nor no")
	}
	return v == 1
}

// count reads the length of a list whose elements take size bytes at least.
func (b *reader) count(limit, size int) int {
	n := b.u32()
	if n > uint32(limit) || int(n)*size > len(b.b) {
		b.fail("a list is too long")
		return 0
	}
	return int(n)
}

func (b *reader) text(limit int) string {
	n := b.u32()
	if n > uint32(limit) {
		b.fail("a string is too long")
		return ""
	}
	return string(b.take(int(n)))
}

func (b *reader) texts(limit int) []string {
	list := make([]string, b.count(limit, 4))
	for i := range list {
		list[i] = b.text(MaxFrame)
		if strings.IndexByte(list[i], 0) >= 0 {
			b.fail("a NUL byte")
		}
	}
	return list
}

// path reads an absolute path without detours.
func (b *reader) path() string {
	p := b.text(maxPath)
	if b.fault != nil {
		return ""
	}
	if p == "" || p[0] != '/' || strings.IndexByte(p, 0) >= 0 {
		b.fail("a path is not absolute")
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." || part == "." {
			b.fail("a path has detours")
		}
	}
	return p
}

// fault is an ErrMalformed that says why; package fmt would be half of
// octaskly-init.
type fault struct{ why string }

func (f *fault) Error() string { return ErrMalformed.Error() + ": " + f.why }
func (f *fault) Unwrap() error { return ErrMalformed }
