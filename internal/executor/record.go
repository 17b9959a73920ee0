package executor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/octaskly/octaskly/internal/protocol"
)

// record is one entry of the journal: an end, or the release of ends.
//
// In the file each record is its length and its CRC-32C, both big-endian and of
// four bytes, and then its CBOR.
type record struct {
	Serial     uint64             `cbor:"1,keyasint,omitempty"`
	Generation string             `cbor:"2,keyasint,omitempty"`
	Finished   *protocol.Finished `cbor:"3,keyasint,omitempty"`
	File       string             `cbor:"4,keyasint,omitempty"` // of its output; none: it is in Finished
	Released   []uint64           `cbor:"5,keyasint,omitempty"`
}

const (
	recordHead = 8
	maxRecord  = 1 << 20 // bytes; an end has at most 64 KiB of output
	maxRelease = 1000    // serials in one record
)

// errTorn says that no whole record follows.
var errTorn = errors.New("no whole record")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord adds the bytes of r to b.
func appendRecord(b []byte, r *record) ([]byte, error) {
	body, err := protocol.Marshal(r)
	if err != nil {
		return b, fmt.Errorf("cannot encode an end: %w", err)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
	return append(b, body...), nil
}

// readRecord returns the next record and how many bytes it has.
func readRecord(in io.Reader) (r *record, size int64, err error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, 0, torn(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxRecord {
		return nil, 0, errTorn
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, 0, torn(err)
	}
	r = new(record)
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[4:]) || protocol.Unmarshal(body, r) != nil {
		return nil, 0, errTorn
	}
	return r, recordHead + int64(n), nil
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}
