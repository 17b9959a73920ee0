// Package far makes lines between network namespaces that are as long, as slow
// and as bad as a test wants them: what netem does (tc-netem(8)), on any kernel
// that has TUN devices, which ours do not all have netem beside.
//
// Each end of a line is a TUN device in a namespace. What one end's host sends
// waits its turn at the line's rate in a queue that is bounded as a router's is,
// travels, and comes out at the other end, unless it is lost on the way.
package far
