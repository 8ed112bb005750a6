// Package hook is how a lab holds one of its peers: what it asks of it, what it is told, and the faults that are
// made inside of the peer's own process, where no privilege is needed and nothing else on the machine is touched.
//
// A peer that is started with --lab speaks with its lab by its standard streams, in lines of JSON: Request comes
// in, Line goes out. So nobody else can hold it, there is no port to be taken, and the end of its standard input,
// which is the end of its lab, is its own end.
//
//	peer → lab   {"hello":{"id":"…","name":"peer-1","addr":"127.0.0.1:49152",…}}
//	lab → peer   {"id":1,"do":"go"}
//	peer → lab   {"reply":{"id":1}}
//	peer → lab   {"event":{"kind":"link-up","at":…,"far":"…","reason":"out"}}
//	lab → peer   {"id":2,"do":"rules","rules":{"cut":["127.0.0.1:49153"]}}
//	peer → lab   {"reply":{"id":2,"stopped":{"held":1,…}}}
//
// The peer listens before it says hello and starts once it is told to go, so that rules hold from its first
// word on.
package hook

import (
	"encoding/json"
	"time"

	"hearsay/peer/api"
	"hearsay/peer/node"
)

// The things that a lab asks for: Request.Do.
const (
	DoGo      = "go"      // begin, with Rules, and as a Siphoner if asked for; answered once it has begun
	DoRules   = "rules"   // obey Rules from now on, in place of those before
	DoProbe   = "probe"   // send Token by multicast
	DoHeard   = "heard"   // answer who sent Token, once all of From have, or Patience is over
	DoDial    = "dial"    // open a TCP connection to Addr within Patience, and close it
	DoPublish = "publish" // publish Text
	DoStatus  = "status"
)

// A Hand speaks the same language, for a peer that runs already: it is a process beside the peer, in its network
// namespace, with the right to filter what comes in there. Whom it cuts off it knows by their hardware addresses.

// Request is one line from the lab. Requests are obeyed in order, but answered when their answer is known.
type Request struct {
	ID          uint64        `json:"id"`
	Do          string        `json:"do"`
	Rules       *Rules        `json:"rules,omitempty"`
	Siphoner    bool          `json:"siphoner,omitempty"`
	Token       string        `json:"token,omitempty"`
	From        []string      `json:"from,omitempty"` // addresses where peers listen
	Addr        string        `json:"addr,omitempty"`
	Patience    time.Duration `json:"patience_ns,omitempty"`
	Text        []byte        `json:"text,omitempty"`
	Traceparent string        `json:"traceparent,omitempty"`
}

// Line is one line to the lab: one of its fields is set.
type Line struct {
	Hello *Hello `json:"hello,omitempty"`
	Reply *Reply `json:"reply,omitempty"`
	Event *Event `json:"event,omitempty"`
	// Missed counts events since the last line that were not told: the lab reads too slowly.
	Missed uint64 `json:"missed,omitempty"`
}

// Hello is a peer's first word.
type Hello struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Addr string `json:"addr"` // where it listens for links
	API  string `json:"api"`  // where it serves HTTP; empty for none
	PID  int    `json:"pid"`
	// NoDelay says why nothing can be made late here; empty if it can.
	NoDelay string `json:"no_delay,omitempty"`
}

// Reply answers the request of that ID. Error says why it was not done.
type Reply struct {
	ID        uint64          `json:"id"`
	Error     string          `json:"error,omitempty"`
	Stopped   *Stopped        `json:"stopped,omitempty"`
	Heard     []string        `json:"heard,omitempty"` // addresses where those listen who sent the token
	Published *Published      `json:"published,omitempty"`
	Status    json.RawMessage `json:"status,omitempty"` // a node.Status
}

// Published is the answer to DoPublish.
type Published struct {
	ID      string `json:"id"`
	TraceID string `json:"trace_id"`
	Seq     uint64 `json:"seq"`
}

// Event is a node.Event.
type Event struct {
	Kind    string        `json:"kind"` // link-up, link-down, eager, lazy, rooted, healed, delivered, said
	At      time.Time     `json:"at"`
	Far     string        `json:"far,omitempty"`
	Reason  string        `json:"reason,omitempty"` // of link-up: out or in
	Took    time.Duration `json:"took_ns,omitempty"`
	Message *api.Message  `json:"message,omitempty"`
}

var kinds = map[node.EventKind]string{
	node.LinkUp: "link-up", node.LinkDown: "link-down", node.LinkEager: "eager", node.LinkLazy: "lazy",
	node.Rooted: "rooted", node.Healed: "healed", node.Delivered: "delivered", node.Said: "said",
}

func toEvent(e *node.Event) *Event {
	out := &Event{Kind: kinds[e.Kind], At: e.At, Far: string(e.Peer), Reason: string(e.Reason), Took: e.Took}
	switch e.Kind {
	case node.LinkUp:
		out.Reason = "in"
		if e.Out {
			out.Reason = "out"
		}
	case node.Delivered, node.Said:
		m := api.ToMessage(&e.Message)
		out.Message = &m
	}
	return out
}
