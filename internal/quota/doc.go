// Package quota bounds the disk space and the number of inodes of directories,
// by project quotas (quotactl(2), ioctl_xfs_fsgetxattr(2)).
//
// A directory is given a project, a number, which all that is made below it
// inherits. What the files of a project take together is counted by the file
// system, whoever owns them, and bounded for all but those with
// CAP_SYS_RESOURCE (ext4; XFS bounds root, too). Past the limit a write fails
// with EDQUOT on ext4 and with ENOSPC on XFS. Hard links and renames into a
// directory of another project fail with EXDEV.
//
// # A limit of inodes
//
// It follows from that of bytes: one inode for each 4 KiB, but at least 1024.
// Files that hold anything take a block of 4 KiB at least, so that this limit is
// met only by those who make empty ones. A pool has inodes in the same
// proportion: whoever has a part of its bytes cannot take more than that part of
// its inodes.
//
// # The pool
//
// Where the file system has no project quotas, Open makes one that has: a sparse
// file, the image, with an ext4 in it, which is mounted over the directory by a
// loop device. Nothing in it survives a stop, neither an orderly one (Close) nor
// another: Open makes the pool anew unless it finds it mounted. So the ext4 has
// no journal and flushes nothing, fsync(2) costs nothing in it, and there is no
// damage to repair.
//
// It stays mounted when its process ends without Close. The next one, or the
// same after execve(2), opens it as it is, with all limits, while files in it
// are in use. If it has become read-only, which is how an ext4 takes errors of
// the disk, it is detached and made anew.
//
// The image takes from the file system that it is on what the files in it take;
// what they no longer take, it gives back some time after a Release. It may grow
// to the size that it is told to have (AutoSize suggests one) even where that is
// more than there is. Then a write in the pool may be accepted and be lost, which
// only fsync(2) tells: see that there is room.
//
// # What others have to see to
//
// The owner of a file may change its project, and so leave the limit, by the
// ioctl FS_IOC_FSSETXATTR or the system call file_setattr(2), in the initial
// user namespace. Whoever is to be bounded must be denied both, by seccomp.
//
// Released projects must not be used again while files of them are left, a
// directory that has been moved elsewhere for example: they would count.
//
// Project quotas of the machine's own file system are shared with its operator:
// take numbers that nobody else does.
//
// It takes Linux 5.14 (quotactl_fd(2)) and CAP_SYS_ADMIN. A directory is for one
// process at a time.
package quota
