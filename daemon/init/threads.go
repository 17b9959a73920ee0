package main

import (
	"runtime"
	"sync"
)

// spare is how many threads are made ahead: those that pass signals on, wait for
// the executor and wait for the command.
const spare = 4

// makeThreads makes threads ahead of need. What the box may have of processes is
// counted beyond those that are there when it gets its task, and Go ends where it
// cannot make a thread.
func makeThreads() {
	var made sync.WaitGroup
	release := make(chan struct{})
	for range spare {
		made.Add(1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			made.Done()
			<-release
		}()
	}
	made.Wait()
	close(release)
}
