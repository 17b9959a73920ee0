package sandbox

import "github.com/octaskly/octaskly/internal/octaskly"

// userName is what a box calls the user of its task.
const userName = "task"

// Environ is what the environment of a task begins with at a level: what
// environ(7) and login(1) promise. dir is its workspace as the machine sees it.
func Environ(level octaskly.Level, dir string) []string {
	path, home := "/usr/local/bin:/usr/bin:/bin", Workspace
	switch level {
	case octaskly.LevelBasic:
		path, home = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", dir
	case octaskly.LevelVeryStrict:
		path = "/usr/bin"
	}
	return []string{
		"PATH=" + path, "HOME=" + home, "TMPDIR=" + tmp,
		"USER=" + userName, "LOGNAME=" + userName, "SHELL=/bin/sh", "LANG=C.UTF-8",
	}
}
