// Package cluster runs real octasklyd processes in a scratch directory, for
// tests and benchmarks, and octasklyctl against them.
//
// Nothing here waits by the clock: a daemon is ready when it says so (READY=1,
// sd_notify(3)), and over when its process has been waited for.
//
// Nothing is left behind: daemons die with the process that started them, and
// Close ends them, kills what their commands have left, and removes the scratch
// directory. They see none of the caller's environment but PATH.
//
// In tests:
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
//
//	func TestCommandRuns(t *testing.T) {
//		c := cluster.Start(t, cluster.Options{})
//		if r := c.Ctl(t.Context(), "run", "--", "echo", "hi"); r.Stdout != "hi\n" {
//			t.Errorf("run says %+v", r)
//		}
//	}
package cluster
