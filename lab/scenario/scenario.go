// Package scenario reads what a person wrote about a mesh that is broken and heals, carries it out on any
// engine, and judges how it went.
//
//	parse.go, read.go   the file: strict, and every complaint is FILE:LINE: what; remedy
//	step*.go            a step each: how it is written, checked and done
//	expect*.go          an expectation each: how it is written, checked and judged
//	run.go, monitor.go  carrying out: steps in turn, while people speak and the mesh is looked at
//	ledger*.go          what was said and who heard it, and what is wrong with that
//
// The ledger trusts nobody: it knows what it had published, hears what is delivered, and does not ask the
// peers how they think they are doing.
package scenario

import (
	"context"
	"time"

	"hearsay/lab/fleet"
)

// Limits on what a file may ask for.
const (
	maxFile  = 1 << 20        // bytes
	maxSteps = 1000           // of each of steps and expect
	maxPeers = 10_000         // engines have lower limits of their own
	maxFor   = 24 * time.Hour // any one duration
)

// Scenario is a file that was read and checked.
type Scenario struct {
	File    string // as it was named
	Source  []byte
	Name    string
	Peers   int
	Options map[string]string // flags of `peer`, without dashes
	Steps   []Step
	Expect  []Expectation
}

// Step is one thing to do.
type Step struct {
	Kind string // wait, send, partition, …
	Line int
	action
}

// action is what a kind of step does.
type action interface {
	// String is the step as a person reads it.
	String() string
	// check says what is wrong with the step where it stands.
	check(c *checker)
	// do carries it out.
	do(ctx context.Context, r *run) error
}

// breaker is an action that needs a fault of the engine.
type breaker interface{ needs() []fleet.Fault }

// Expectation is one thing that must have come true.
type Expectation struct {
	Kind string // lost, meshed, …
	Line int
	claim
}

// claim is what a kind of expectation says.
type claim interface {
	// want is what it asks for, as a person reads it.
	want() string
	// check says what is wrong with it in this scenario.
	check(c *checker)
	// judge says how it came out.
	judge(r *run) (got string, ok bool)
}

// Needs are the faults that an engine must be able to make, and the line of the first step that needs each.
func (s *Scenario) Needs() (faults []fleet.Fault, lines []int) {
	known := map[fleet.Fault]bool{}
	for _, st := range s.Steps {
		b, ok := st.action.(breaker)
		if !ok {
			continue
		}
		for _, f := range b.needs() {
			if !known[f] {
				known[f] = true
				faults, lines = append(faults, f), append(lines, st.Line)
			}
		}
	}
	return faults, lines
}

// Traced reports whether an expectation is about traces: then there must be somebody who collects them.
func (s *Scenario) Traced() bool {
	for _, e := range s.Expect {
		if e.Kind == "traced" {
			return true
		}
	}
	return false
}
