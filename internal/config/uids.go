package config

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxAccounts bounds what is read of one file of accounts, in bytes.
const maxAccounts = 8 << 20

// free refuses n ids from first on, of users and groups both, if the files of
// this machine give one of them to somebody: passwd(5), group(5), subuid(5). It is
// best effort: it knows no directory service, and no file that cannot be read.
func (m machine) free(first, n int64) error {
	for _, file := range []struct {
		name, what string
		id         int // column
		count      int // column; 0: there is one
	}{
		{"passwd", "user", 2, 0}, {"group", "group", 2, 0},
		{"subuid", "subordinate range", 1, 2}, {"subgid", "subordinate range", 1, 2},
	} {
		path := filepath.Join(m.etc, file.name)
		if name := owner(path, file.id, file.count, first, n); name != "" {
			return fmt.Errorf("%d to %d are for boxes alone, and %s of %s %.40q lies there; name another beginning", first, first+n-1, file.what, path, name)
		}
	}
	return nil
}

// owner names the account of a file that has one of n ids from first on.
func owner(path string, id, count int, first, n int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxAccounts))
	for lines.Scan() {
		columns := strings.Split(lines.Text(), ":")
		if low, length := idsOf(columns, id, count); max(low, first) < min(low+length, first+n) {
			return columns[0]
		}
	}
	return ""
}

// idsOf reads a range of ids. What cannot be read is 0.
func idsOf(columns []string, id, count int) (low, length int64) {
	number := func(column int) int64 {
		if column >= len(columns) {
			return 0
		}
		n, err := strconv.ParseUint(columns[column], 10, 32)
		if err != nil {
			return 0
		}
		return int64(n)
	}
	if low, length = number(id), 1; count > 0 {
		length = number(count)
	}
	return low, length
}
