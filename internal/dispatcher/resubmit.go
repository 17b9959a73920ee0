package dispatcher

import (
	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// submission is a job in the words in which it could be submitted again.
func submission(j *octaskly.Job, spec *octaskly.Spec) api.Submission {
	backoff := api.Seconds(spec.Backoff)
	s := api.Submission{
		Name: j.Name, Argv: texts(spec.Argv), Env: texts(spec.Env), SecretEnv: redacted(spec.SecretNames), Cwd: api.Text(spec.Dir),
		Stdin: spec.Stdin, Items: spec.Items, AtOnce: j.AtOnce,
		Timeout: (*api.Seconds)(limit(spec.Timeout)), Retries: spec.Retries, Backoff: &backoff, Merge: spec.Merge,
		CPUs: float64(spec.Room[octaskly.CPU]) / 1000, Memory: spec.Room[octaskly.Memory], Key: j.Key,
		Sandbox: max(spec.Level, octaskly.LevelNone).String(), Limits: limits(&spec.Limits),
		Network: network(spec), KeepWorkspace: spec.KeepWorkspace, AtMostOne: spec.AtMostOne,
	}
	if j.Array {
		s.Array = j.Elements.String()
	}
	return s
}

// limits differ from preset none, whatever the policy's preset is one day.
func limits(l *octaskly.Limits) *api.Limits {
	return &api.Limits{
		Preset: "none", CPUTime: (*api.Seconds)(limit(l.CPUTime)), Memory: limit(l.Memory), Disk: limit(l.Disk),
		OpenFiles: limit(l.OpenFiles), Processes: limit(l.Processes),
	}
}

// limit is nil for none.
func limit[N ~int64](n N) *N {
	if n == 0 {
		return nil
	}
	return &n
}

// network is what a spec's command has; one from before there were levels has the
// machine's.
func network(spec *octaskly.Spec) string {
	if spec.HostNetwork || spec.Level == 0 {
		return api.NetworkHost
	}
	return api.NetworkNone
}
