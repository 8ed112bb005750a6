package plumtree

import (
	"time"

	"hearsay/peer/wire"
)

// Effects is what the shell must do, in the order of each slice. Its slices are reused after the next
// call of a method of Tree other than Full, Eager, Stats and Deadline; the bytes they refer to are never
// written again.
type Effects struct {
	Sends      []Send
	Deliveries []Delivery
	Events     []Event
}

// Send asks for Frame to be written to Conn. Frames of messages lie one behind the other in the
// retained log's memory, so that a queue can join neighbors into one slice.
type Send struct {
	Conn  wire.Conn
	Frame []byte
}

// Delivery is a message that is delivered here: another peer's, in its origin's order, once.
type Delivery struct {
	Origin    wire.Origin
	Seq       uint64
	Name      string // the publisher's
	Hops      int    // links travelled; 1 at the publisher's neighbors
	Age       time.Duration
	Publisher wire.Context
	Body      []byte // in the retained log's memory: read only
}

// EventKind names what an Event tells.
type EventKind uint8

// The kinds of event.
const (
	Published EventKind = iota + 1 // the span "publish mesh"
	Processed                      // the span "process mesh"
	CaughtUp                       // the span "catch-up": all that a link's Have made us ask for has come, or is gone
	Grafted                        // counted, and told as a span event: we asked Conn for Origin's messages up to Seq
	Pruned                         // we made Conn lazy
	Lost                           // messages From to Seq of Origin, owed to us, can no longer be had
)

// Outcome says what became of a received message.
type Outcome uint8

// The outcomes.
const (
	Delivered Outcome = iota + 1
	Duplicate
	Dropped
)

// Event tells what happened, for traces, metrics and logs. Nothing depends on anybody reading it.
// Published and Processed are only made for sampled messages.
type Event struct {
	Kind       EventKind
	Start, End time.Time     // of Processed: arrival at this peer, and delivery or drop
	Held       time.Duration // of Processed: waited for earlier messages of its origin
	Context    wire.Context  // this span
	Parent     wire.Context  // its parent: of Processed the sending hop's span
	Link       wire.Context  // of Processed the publisher's span
	Conn       wire.Conn     // of Processed where it came from
	Origin     wire.Origin
	From, Seq  uint64
	Size       int // bytes of the body
	Hops       int
	Outcome    Outcome
	Reason     string // of Dropped: old (older than this peer), expired, hold-full, origins-full; of Processed and Delivered: eager, graft or catch-up; of Lost: gone (nobody keeps them any more) or nobody (who had them stays away)
	Links      int    // eager links it went on to
	Asked, Got uint64 // of CaughtUp: messages
}
