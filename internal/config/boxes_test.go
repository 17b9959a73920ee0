package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/units"
)

func TestBoxesBuiltIn(t *testing.T) {
	for uid, allowNone := range map[int]bool{0: false, 1000: true} {
		on(t, machineOf(uid))
		x, err := LoadExecutor(Sources{})
		if want := (Boxes{AllowNone: allowNone, FirstUID: 1879048192, DiskPool: PoolAuto}); err != nil || x.Boxes != want {
			t.Errorf("an executor of uid %d: %+v, %v; want %+v", uid, x.Boxes, err, want)
		}
		if w := newWorker(); !w.AllowNone {
			t.Errorf("a worker of uid %d does not offer level none", uid)
		}
	}
}

func TestBoxes(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "init")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	configDir(t, "executor.toml", "allow_none = true\nfirst_uid = 0x10_0000\ndisk_pool = '20G'\noctaskly_init = '"+program+"'")
	t.Setenv("OCTASKLY_ALLOW_HOST_NETWORK", "true")
	x, err := LoadExecutor(Sources{Flags: map[string]string{"allow_none": "false"}})
	want := Boxes{AllowHostNetwork: true, OctasklyInit: program, FirstUID: 1 << 20, DiskPool: PoolSize(20 * units.GiB)}
	if err != nil || x.Boxes != want {
		t.Errorf("%+v, %v; want %+v", x.Boxes, err, want)
	}
	t.Chdir(dir)
	if w, err := LoadWorker(Sources{Flags: map[string]string{"octaskly_init": "init"}}); err != nil || w.OctasklyInit != program {
		t.Errorf("a path on the command line: %q, %v", w.OctasklyInit, err)
	}
}

func TestBoxesErrors(t *testing.T) {
	dir := configDir(t, "executor.toml", "allow_none = 'yes'\nallow_host_network = 1\nfirst_uid = 65535\ndisk_pool = true\noctaskly_init = 'bin/octaskly-init'")
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadExecutor(Sources{})
	wantError(t, err,
		dir+"/executor.toml:1:1: allow_none: want true or false, not a string",
		dir+"/executor.toml:2:1: allow_host_network: want true or false, not a whole number",
		dir+"/executor.toml:4:1: disk_pool: want a string, not a boolean",
		dir+`/executor.toml:5:1: octaskly_init: "bin/octaskly-init" is not absolute`,
		dir+"/executor.toml:3:1: first_uid: 65535 is not from 65536 to 4294901757",
	)
	configDir(t)
	for key, texts := range map[string]map[string]string{
		"allow_none":    {"1": `cannot read "1": it is neither true nor false`, "": `cannot read "": it is neither true nor false`},
		"first_uid":     {"4294901758": "4294901758 is not from 65536 to 4294901757", "1e9": `cannot read number "1e9": it is no whole number`},
		"octaskly_init": {"/nonexistent": `cannot use "/nonexistent": no such file or directory`, dir: `cannot use "` + dir + `": it is no program`, plain: `cannot use "` + plain + `": it is no program`},
		"disk_pool": {
			"-1":    `cannot read size "-1": it is negative; write it as in 512, 64K or 1.5GiB; or "auto"`,
			"1M":    "1MiB is not from 64MiB to 16TiB; 0 is no pool",
			"17TiB": "17TiB is not from 64MiB to 16TiB; 0 is no pool",
		},
	} {
		for text, why := range texts {
			_, err := LoadExecutor(Sources{Flags: map[string]string{key: text}})
			wantError(t, err, "--"+FlagName(key)+": "+key+": "+why)
		}
	}
}

// Uids of boxes are nobody else's.
func TestFirstUID(t *testing.T) {
	etc := t.TempDir()
	m := machineOf(0)
	m.etc = etc
	on(t, m)
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\nbad\nodd:x:many:1\nfar:x:300000:100::/:/bin/sh\n",
		"group":  "users:x:500000:far\n",
		"subuid": "ann:700000:65536\nnone:900000:0\nbad:900000\n",
		"subgid": "bob:2000000:10\n",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for first, want := range map[string]string{
		"100000":  "",
		"234464":  "", // far is the next
		"234465":  "user of " + etc + `/passwd "far"`,
		"300000":  "user of " + etc + `/passwd "far"`,
		"300001":  "",
		"450000":  "group of " + etc + `/group "users"`,
		"640000":  "subordinate range of " + etc + `/subuid "ann"`,
		"765535":  "subordinate range of " + etc + `/subuid "ann"`,
		"765536":  "",
		"880000":  "", // as long as no number says how many
		"2000009": "subordinate range of " + etc + `/subgid "bob"`,
	} {
		_, err := LoadExecutor(Sources{Flags: map[string]string{"first_uid": first}})
		if want == "" && err == nil || want != "" && err != nil && strings.Contains(err.Error(), "first_uid: "+first+" to ") && strings.Contains(err.Error(), want) {
			continue
		}
		t.Errorf("%s: %v, want %q", first, err, want)
	}
	m.uid = 1000 // whose executor has no boxes
	on(t, m)
	if _, err := LoadExecutor(Sources{Flags: map[string]string{"first_uid": "300000", "run_as": "ann", "worker_user": "ann"}}); err != nil {
		t.Error(err)
	}
}

// What an executor offers is not for its worker to say.
func TestBoxesOfExecutor(t *testing.T) {
	flags := map[string]string{"executor": "/run/x.sock", "first_uid": "7", "allow_none": "true"}
	_, err := LoadWorker(Sources{Flags: flags})
	wantError(t, err,
		"--allow-none: allow_none: it belongs to the executor: give it in executor.toml",
		"--first-uid: first_uid: it belongs to the executor: give it in executor.toml",
	)
}

func TestIsSwitch(t *testing.T) {
	if !IsSwitch(dirs.Executor, "allow_none") || IsSwitch(dirs.Executor, "slots") || IsSwitch(dirs.Dispatcher, "allow_none") || IsSwitch("janitor", "allow_none") {
		t.Error("allow_none is a switch of executor and worker, and slots is none")
	}
}
