package quota

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions of the ext4 in a pool. Limits are enforced; tables of inodes are
// not filled with zeros, which they have; nothing is flushed to the disk.
var mountOptions = []string{"prjquota", "noinit_itable", "nobarrier", "errors=remount-ro"}

// mount mounts a new ext4, once it is as it should be, on dir.
func mount(device, dir string) error {
	made, err := prepareMount(device)
	if err != nil {
		return fmt.Errorf("cannot mount the ext4 of %s: %w", device, err)
	}
	defer unix.Close(made)
	if err := furnish(made); err != nil {
		return fmt.Errorf("cannot prepare the pool's directory: %w", err)
	}
	if err := unix.MoveMount(made, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("cannot mount on %q: %w", dir, err)
	}
	return nil
}

// prepareMount returns a mount that is nowhere yet.
func prepareMount(device string) (int, error) {
	fs, err := unix.Fsopen("ext4", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fs)
	err = configure(fs, device)
	if errors.Is(err, unix.ESRCH) {
		err = fmt.Errorf("%w; is there a kernel module quota_v2? Ubuntu has it in linux-modules-extra", err)
	}
	if err != nil {
		return 0, fmt.Errorf("%w%s", err, complaint(fs))
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOATIME)
}

func configure(fs int, device string) error {
	if err := unix.FsconfigSetString(fs, "source", device); err != nil {
		return err
	}
	for _, option := range mountOptions {
		key, value, valued := strings.Cut(option, "=")
		var err error
		if valued {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return fmt.Errorf("option %s: %w", option, err)
		}
	}
	return unix.FsconfigCreate(fs)
}

// complaint is what the kernel says besides an error number.
func complaint(fs int) string {
	buf := make([]byte, mostSaid)
	n, err := unix.Read(fs, buf)
	if err != nil || n == 0 {
		return ""
	}
	return ": " + tidy(buf[:n])
}

// furnish makes the root of a new ext4 one that others may pass through.
func furnish(mount int) error {
	root, err := unix.Openat(mount, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	return errors.Join(unix.Fchmod(root, 0o711), unix.Unlinkat(root, "lost+found", unix.AT_REMOVEDIR))
}
