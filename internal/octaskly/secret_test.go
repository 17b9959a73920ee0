package octaskly

import (
	"slices"
	"strings"
	"testing"
)

func TestNameSecrets(t *testing.T) {
	const value = "hunter2"
	for name, test := range map[string]struct {
		secrets []string
		why     string // nothing: it is accepted
	}{
		"none":            {nil, ""},
		"two":             {[]string{"A=" + value, "B=x=" + value}, ""},
		"an empty value":  {[]string{"A="}, ""},
		"bytes":           {[]string{"A=\xff\n" + value}, ""},
		"no name":         {[]string{"=" + value}, "its entry 1 is not NAME=value"},
		"no value":        {[]string{"A=1", value}, "its entry 2 is not NAME=value"},
		"twice":           {[]string{"A=" + value, "A=2"}, `"A" is given twice`},
		"in env, too":     {[]string{"E=" + value}, `"E" is given twice, here or in env`},
		"octaskly's own":  {[]string{"OCTASKLY_JOB_ID=" + value}, "octaskly's own"},
		"PATH":            {[]string{"PATH=/" + value}, "set it by env"},
		"NUL":             {[]string{"A=\x00" + value}, `"A" contains a NUL byte`},
		"NUL in its name": {[]string{"A\x00=" + value}, "contains a NUL byte"},
		"as it is shown":  {[]string{"A=" + Redacted}, "give it once more"},
		"too long":        {[]string{"A=" + strings.Repeat(value, MaxArg/6)}, "Linux allows"},
		"too much":        {slices.Repeat([]string{"A=" + strings.Repeat(value, 100)}, 2000), "together"},
	} {
		spec := Spec{Argv: []string{"true"}, Env: []string{"E=1"}}
		err := spec.NameSecrets(test.secrets)
		switch {
		case test.why == "":
			if err != nil || spec.Check() != nil || !spec.HasSecrets(test.secrets) || len(spec.SecretNames) != len(test.secrets) {
				t.Errorf("%s: %v, names %q", name, err, spec.SecretNames)
			}
		case err == nil || !strings.HasPrefix(err.Error(), "secret_env: ") || !strings.Contains(err.Error(), test.why):
			t.Errorf("%s: %v", name, err)
		case strings.Contains(err.Error(), value):
			t.Errorf("%s: the error has the value: %v", name, err)
		}
	}
}

func TestSecretsDemand(t *testing.T) {
	spec := Spec{Argv: []string{"true"}}
	if err := spec.NameSecrets([]string{"A=1"}); err != nil {
		t.Fatal(err)
	}
	if err := new(Policy).Resolve(&spec, &Wish{}, LevelNone); err != nil || !slices.Contains(spec.Needs, SecretEnv) {
		t.Errorf("%v, it needs %q", err, spec.Needs)
	}
}

func TestHasSecrets(t *testing.T) {
	spec := Spec{SecretNames: []string{"A", "B"}}
	for _, secrets := range [][]string{nil, {"A=1"}, {"B=1", "A=2"}, {"A=1", "B"}, {"A=1", "BC=2"}, {"A=1", "B=2", "C=3"}, {"A=1", "B=\x00"}} {
		if spec.HasSecrets(secrets) {
			t.Errorf("%q are taken", secrets)
		}
	}
	if !spec.HasSecrets([]string{"A=1", "B="}) {
		t.Error("they are not taken")
	}
}

// Nothing that is given as a secret comes back in an error but for names.
func FuzzNameSecrets(f *testing.F) {
	f.Add("A=hunter2-hunter2", "B")
	f.Add("hunter2-hunter2", "A=\x00")
	f.Add("=hunter2-hunter2", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		spec := Spec{Argv: []string{"true"}}
		err := spec.NameSecrets([]string{a, b})
		for _, v := range []string{a, b} {
			_, value, named := strings.Cut(v, "=")
			if !named {
				value = v
			}
			if len(value) >= 12 && !named && err != nil && strings.Contains(err.Error(), value) {
				t.Errorf("%v has %q", err, value)
			}
		}
		if err == nil && (!spec.HasSecrets([]string{a, b}) || spec.Check() != nil) {
			t.Errorf("%q, %q were taken and are not right", a, b)
		}
	})
}
