package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// log is what a write-ahead log says of the pages.
type log struct {
	frames map[uint32]int64 // where the latest committed content of a page is
	pages  uint32           // of the database, by the latest commit; 0: there is none
	beyond []frame          // past a frame that is torn, yet of the same log
}

// frame is one page in the log.
type frame struct {
	page uint32
	at   int64
	ends bool // a commit
}

const (
	logHeader   = 32
	frameHeader = 24
	logMagic    = 0x377f0682 // with the last bit set, checksums are of big-endian words
	logVersion  = 3007000
)

// logPage is the size of the log's pages.
func (f *File) logPage() (size int, ok bool) {
	h, ok := f.logHead()
	if !ok {
		return 0, false
	}
	size = int(binary.BigEndian.Uint32(h[8:]))
	return size, validPage(size)
}

// logHead reads the log's header.
func (f *File) logHead() (h [logHeader]byte, ok bool) {
	if f.wal.size < logHeader {
		return h, false
	}
	if _, err := f.wal.ReadAt(h[:], 0); err != nil {
		return h, false
	}
	return h, binary.BigEndian.Uint32(h[:])&^1 == logMagic && binary.BigEndian.Uint32(h[4:]) == logVersion
}

// readLog finds the committed frames. Each one's checksum is that of all before
// it, so that the first torn one ends them; what comes after it and has the
// same salts was written by the same log. Other salts are those of a log that
// was here before.
func (f *File) readLog() error {
	f.log.frames = map[uint32]int64{}
	head, sound := f.logHead()
	if size, fits := f.logPage(); sound && (!fits || size != f.pageSize) {
		return nil
	}
	sum, salts := checksum{order: order(head)}, head[16:24]
	sum.add(head[:24])
	torn := !sound || !sum.is(head[24:])
	if !sound {
		salts = nil // the first frame tells
	}
	var pending []frame // not committed yet
	buf := make([]byte, frameHeader+f.pageSize)
	for at := int64(logHeader); at+int64(len(buf)) <= f.wal.size; at += int64(len(buf)) {
		if _, err := f.wal.ReadAt(buf, at); err != nil {
			return err
		}
		if salts == nil {
			salts = slices.Clone(buf[8:16])
		}
		pages := binary.BigEndian.Uint32(buf[4:])
		one := frame{binary.BigEndian.Uint32(buf), at + frameHeader, pages > 0}
		same := bytes.Equal(buf[8:16], salts)
		if same && !torn {
			sum.add(buf[:8])
			sum.add(buf[frameHeader:])
		}
		switch torn = torn || !same || !sum.is(buf[16:24]); {
		case !torn && pages > 0:
			f.log.commit(append(pending, one), pages)
			pending = pending[:0]
		case !torn:
			pending = append(pending, one)
		case same:
			f.log.beyond = append(f.log.beyond, one)
		}
	}
	return nil
}

func (l *log) commit(frames []frame, pages uint32) {
	for _, one := range frames {
		l.frames[one.page] = one.at
	}
	l.pages = min(pages, maxPages)
}

// Torn is how many commits that wrote a page come after a torn frame of the log,
// and so are out of SQLite's reach.
func (f *File) Torn(number uint32) (commits int) {
	wrote := false
	for _, one := range f.log.beyond {
		wrote = wrote || one.page == number
		if one.ends {
			if wrote {
				commits++
			}
			wrote = false
		}
	}
	return commits
}

// Beyond is how many frames come after a torn one, that itself included.
func (f *File) Beyond() int { return len(f.log.beyond) }

// LogFrames is how many pages the log has room for, be they worth anything.
func (f *File) LogFrames() int64 {
	return max(f.wal.size-logHeader, 0) / int64(frameHeader+f.pageSize)
}

// checksum is the log's, of pairs of words.
type checksum struct {
	a, b  uint32
	order binary.ByteOrder
}

func order(head [logHeader]byte) binary.ByteOrder {
	if head[3]&1 == 1 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.a += c.order.Uint32(data) + c.b
		c.b += c.order.Uint32(data[4:]) + c.a
	}
}

func (c *checksum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == c.a && binary.BigEndian.Uint32(stored[4:]) == c.b
}
