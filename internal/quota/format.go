package quota

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	// formatTimeout allows for a busy disk; it takes 10 ms.
	formatTimeout = time.Minute
	// mostSaid is how much of what mkfs.ext4 says an error holds, in bytes.
	mostSaid = 1024
)

// formatArguments make an ext4 with project quotas and without what is for
// surviving: no journal, no second superblock. Features are named one by one,
// whatever /etc/mke2fs.conf has. Tables of inodes, of zeros in a sparse file, are
// left unwritten; large groups of groups make few writes.
var formatArguments = []string{
	"-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-i", "4096", "-m", "5", "-G", "256",
	"-O", "none,filetype,extent,flex_bg,sparse_super2,large_file,huge_file,dir_nlink,dir_index,extra_isize,uninit_bg,64bit,project,quota",
	"-E", "quotatype=prjquota,num_backup_sb=0,lazy_itable_init=1,nodiscard,root_owner=0:0",
}

// imageInChild names the image to mkfs.ext4: should that outlive this process, it
// must not come to write to another file of the same path.
const imageInChild = "/proc/self/fd/3"

// format makes the ext4 in an image.
func format(image *os.File) error {
	program, err := findFormat()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), formatTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(slices.Clip(formatArguments), imageInChild)...)
	cmd.ExtraFiles = []*os.File{image}
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("cannot make an ext4 in %q: %w: %s", image.Name(), err, tidy(said))
	}
	return nil
}

// findFormat also looks where only root does.
func findFormat() (string, error) {
	for _, name := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("there is no mkfs.ext4; install e2fsprogs")
}

// tidy is the beginning of what a program has said, in one line.
func tidy(said []byte) string {
	if len(said) > mostSaid {
		said = said[:mostSaid]
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(said), "?")), " ")
}
