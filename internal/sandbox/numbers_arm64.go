package sandbox

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	nativeArch  = specs.ArchAARCH64
	nativeAudit = unix.AUDIT_ARCH_AARCH64
	foreignBit  = 0 // there are none
)

var furtherNumbers = map[string]uint32{}
