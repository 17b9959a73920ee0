package backup

import (
	"io/fs"
	"syscall"
)

func ownedBy(info fs.FileInfo, uid, gid uint32) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Uid == uid && s.Gid == gid
}
