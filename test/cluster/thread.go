package cluster

import "runtime"

// onOneThread calls f, which starts a process and waits for it, on one thread:
// Pdeathsig comes when the thread that started a process ends, not the process
// (PR_SET_PDEATHSIG(2const)).
func onOneThread[T any](f func() (T, error)) (T, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}
