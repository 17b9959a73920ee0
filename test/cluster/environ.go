package cluster

import (
	"os"

	"github.com/octaskly/octaskly/internal/dirs"
)

// environ is the environment of everything that runs in the scratch directory.
func (c *Cluster) environ() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"HOME=" + c.path("home"),
		"TMPDIR=" + c.path("tmp"),
		"XDG_RUNTIME_DIR=" + c.path("run"),
		"XDG_STATE_HOME=" + c.path("home/state"),
		"XDG_CONFIG_HOME=" + c.path("home/config"),
		"XDG_CACHE_HOME=" + c.path("home/cache"),
		"XDG_DATA_HOME=" + c.path("home/data"),
		dirs.ConfigVar + "=" + c.path("config"), // root would read /etc/octaskly
	}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		env = append(env, "GOCOVERDIR="+dir)
	}
	return env
}

func (c *Cluster) daemonEnviron(d *Daemon) []string {
	env := append(c.environ(), "NOTIFY_SOCKET="+d.notify)
	if c.options.Profile != "" {
		env = append(env, "OCTASKLY_CPUPROFILE="+c.options.Profile+"-"+d.Name+".prof")
	}
	return env
}

func (c *Cluster) ctlEnviron() []string {
	return append(c.environ(), "OCTASKLY_SOCKET="+c.Socket())
}
