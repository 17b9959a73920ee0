// Package scheduler decides which waiting task goes to which worker. It is
// pure: it holds what the dispatcher told it, no clock, no goroutine, no I/O,
// and the same calls always give the same answer.
//
// The rules:
//
//   - First in, first out: among the tasks that some worker has room for, the
//     one whose job was accepted first goes first.
//   - Fair shares: it goes to the worker with the smallest part of its slots in
//     use.
//   - A worker that is full never holds up one that is not. But the first task
//     that finds no room anywhere reserves the worker where it waits, so that a
//     stream of small tasks cannot starve a large one.
//   - An owner who has with workers as many tasks as he may is passed over until
//     one of them leaves. He reserves nothing meanwhile.
//   - What a task can never get from any worker here, it waits for without
//     reserving anything.
//   - What is placed is what nothing keeps from its worker: Blockers and Holds name
//     what does, by the very predicates that placement asks.
//   - When all that can start now has been placed, workers get a few tasks
//     ahead of their slots, to hide the round trip.
package scheduler
