// Package watch is what the lab knows: which peers there are and how they are linked, who told whom which message and
// when, what was broken and how it mended, for now and for the last ten minutes.
//
// Model is a state machine without sockets, clock, goroutines or locks. It is fed with what a fleet tells
// (fleet.Event), what peers say of themselves (node.Status) and the spans that they send, each of which may come late,
// twice or not at all: what is not known is left open, never guessed. It answers with views for people: a State and
// the Batches that change it, an Account of one message, Figures.
//
// Watch is the shell around it: it listens to a fleet, asks peers for their status now and then, and tells subscribers
// of changes. It never touches the fleet otherwise.
package watch
