package executor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// baseEnviron is what every command finds, unless its spec says otherwise: what
// environ(7) and login(1) promise, and nothing of the daemon's own environment.
func baseEnviron(a *Account) []string {
	if a == nil {
		a = ownAccount()
	}
	return []string{
		"PATH=" + defaultPath,
		"HOME=" + cmp.Or(a.Home, "/"),
		"USER=" + a.Name,
		"LOGNAME=" + a.Name,
		"SHELL=/bin/sh",
		"LANG=C.UTF-8",
	}
}

// appendSpecEnviron adds base and what the spec sets over it, and returns also
// the PATH that results.
func appendSpecEnviron(env, base, spec []string) (_ []string, path string) {
	path = defaultPath
	for _, v := range base {
		if !sets(spec, v[:strings.IndexByte(v, '=')+1]) {
			env = append(env, v)
		}
	}
	for _, v := range spec {
		env = append(env, v)
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	return env, path
}

// sets reports whether env has an entry that begins with prefix.
func sets(env []string, prefix string) bool {
	for _, v := range env {
		if strings.HasPrefix(v, prefix) {
			return true
		}
	}
	return false
}

// markCount is how many entries at the end of the environment tell an attempt
// from all others, also from those that another fleet's worker of the same name has
// on this machine.
const markCount = 3

// appendOwnEnviron adds what tells a command which task it is.
func appendOwnEnviron(env []string, a *Attempt, worker string) []string {
	env = append(env, "OCTASKLY_JOB_ID="+a.ID.Job.String())
	if a.Array {
		env = append(env, "OCTASKLY_ARRAY_INDEX="+strconv.FormatInt(a.ID.Index, 10))
	}
	if a.Spec.Items != "" {
		env = append(env, "OCTASKLY_ITEM="+a.Item)
	}
	return append(env,
		"OCTASKLY_WORKER="+worker,
		"OCTASKLY_GENERATION="+a.Generation,
		"OCTASKLY_TASK_ID="+a.Task().String(),
		"OCTASKLY_ATTEMPT="+strconv.Itoa(a.ID.Number))
}

// environ is what the submission says of the environment.
func (a *Attempt) environ() []string {
	if len(a.Secrets) == 0 {
		return a.Spec.Env
	}
	return slices.Concat(a.Spec.Env, a.Secrets)
}
