package octaskly

import (
	"slices"
	"strings"
)

// SecretPurpose is what Spec.Sealed is sealed for.
const SecretPurpose = "secret env"

// Redacted stands for the value of a secret where one is to be shown.
const Redacted = "(secret)"

// maxSealed bounds Spec.Sealed: what may be sealed, and the seal.
const maxSealed = MaxArgs + 64<<10

// NameSecrets takes s to have a secret environment, "NAME=value" each. A
// *FieldError never has a value in it.
func (s *Spec) NameSecrets(secrets []string) error {
	names := make([]string, len(secrets))
	for i, v := range secrets {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok || name == "":
			return fieldErrorf("secret_env", "its entry %d is not NAME=value", i+1)
		case value == Redacted:
			return fieldErrorf("secret_env", "%.40q has no value but %s, which stands for one that is not shown; give it once more", name, Redacted)
		case strings.IndexByte(v, 0) >= 0:
			return fieldErrorf("secret_env", "%.40q contains a NUL byte, which no environment can carry", name)
		case len(v) > MaxArg:
			return fieldErrorf("secret_env", "%.40q has %d bytes, Linux allows %d", name, len(v), MaxArg)
		}
		names[i] = name
	}
	if n := size(s.Argv) + size(s.Env) + size(secrets); len(secrets) > 0 && n > MaxArgs {
		return fieldErrorf("secret_env", "arguments and environment have %d bytes together, %d are allowed; give long input by --stdin", n, MaxArgs)
	}
	if s.SecretNames = names; len(names) == 0 {
		s.SecretNames = nil
	}
	return s.checkSecretNames()
}

// HasSecrets reports whether secrets are those that s names.
func (s *Spec) HasSecrets(secrets []string) bool {
	return slices.EqualFunc(s.SecretNames, secrets, func(name, v string) bool {
		rest, ok := strings.CutPrefix(v, name)
		return ok && strings.HasPrefix(rest, "=") && strings.IndexByte(v, 0) < 0
	})
}

// size is what strings take up in a process, in bytes.
func size(list []string) (n int) {
	for _, v := range list {
		n += len(v) + 1
	}
	return n
}

func (s *Spec) checkSecretNames() error {
	if len(s.Sealed) > maxSealed || len(s.SecretNames) > MaxArgCount {
		return fieldErrorf("secret_env", "it is too long")
	}
	seen := make(map[string]bool, len(s.SecretNames)+len(s.Env))
	for _, v := range s.Env {
		name, _, _ := strings.Cut(v, "=")
		seen[name] = len(s.SecretNames) > 0
	}
	for _, name := range s.SecretNames {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00") || len(name) > MaxArg:
			return fieldErrorf("secret_env", "%.40q is no name", name)
		case strings.HasPrefix(name, "OCTASKLY_"):
			return fieldErrorf("secret_env", "%.40q cannot be set: names that begin with OCTASKLY_ are octaskly's own", name)
		case name == "PATH": // it is in the message about a command that is not found
			return fieldErrorf("secret_env", "PATH says where the command is; set it by env")
		case seen[name]:
			return fieldErrorf("secret_env", "%.40q is given twice, here or in env", name)
		}
		seen[name] = true
	}
	return nil
}
