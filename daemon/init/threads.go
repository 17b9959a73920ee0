package main

import "runtime"

// makeThread makes the thread ahead of need that is going to wait for the
// executor's word while this one waits for the command. What the box may have of
// processes is counted beyond those that are there when it gets its task, and Go
// ends where it cannot make a thread.
func makeThread() {
	made, release := make(chan struct{}), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		close(made)
		<-release
	}()
	<-made
	close(release)
}
