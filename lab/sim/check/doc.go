// Package check has the simulator look for broken promises: random schedules of faults, each from a seed
// alone, and each a run in two acts.
//
// In act one peers start, speak and break, alone and together, while the World checks after every event that
// nothing is delivered twice, out of order, changed or passed over, and that no table or slot is beyond its
// bound. In act two everything is healed and the rest of the promises is demanded within a stated time: one
// mesh, every message where it is owed, a newcomer that gets in, hardly a copy too many, and quiet. (The two
// acts are those of TigerBeetle's simulator.)
//
// A schedule that fails is shrunk to the smallest that still fails in the same way. It is text, which a person
// can read, change and run again:
//
//	go run ./lab sim check --replay FILE
//
// The same schedule is the same run, event for event, on any machine.
package check
