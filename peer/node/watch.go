package node

import (
	"time"

	"hearsay/peer/mesh"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// EventKind names what an Event tells.
type EventKind uint8

// The kinds of event.
const (
	LinkUp    EventKind = iota + 1 // a link to Peer; Out says who dialled
	LinkDown                       // it is no more, for Reason
	LinkEager                      // payload goes over it
	LinkLazy                       // announcements of payload do
	Rooted                         // this node follows another root: Peer
	Healed                         // the links are what they should be again, Took after one was lost
	Delivered                      // Message, another's, was delivered here
	Said                           // Message was published here
)

// Event is one thing that happened at a node, for a lab that shows it or a test that waits for it.
type Event struct {
	Kind    EventKind
	At      time.Time
	Peer    wire.ID
	Name    string // Peer's, of LinkUp and LinkDown
	Out     bool
	Reason  wire.Reason
	Took    time.Duration
	Message Message
}

// watch tells Config.Watch what the core said. Everything here is the loop's, and of no cost to a node that
// nobody watches.
type watch struct {
	tell  func(Event)
	links []watchedLink
}

// watchedLink is a link, and how messages went over it when that was last told: 0 is not yet.
type watchedLink struct {
	conn wire.Conn
	peer wire.ID
	mode EventKind
}

// linked tells of a link that came or went.
func (w *watch) linked(e *overlay.Effect) {
	if w.tell == nil {
		return
	}
	event := Event{Kind: LinkUp, At: time.Now(), Peer: e.Link.ID, Name: e.Link.Name, Out: e.Link.Out}
	if e.Action == overlay.Up {
		w.links = append(w.links, watchedLink{conn: e.Conn, peer: e.Link.ID})
	} else {
		event.Kind, event.Reason = LinkDown, e.Reason
		for i := range w.links {
			if w.links[i].conn == e.Conn {
				w.links = append(w.links[:i], w.links[i+1:]...)
				break
			}
		}
	}
	w.tell(event)
}

// happened tells what else is among the effects, and how messages go now.
func (w *watch) happened(m *mesh.Mesh, e *mesh.Effects) {
	if w.tell == nil {
		return
	}
	now := time.Now()
	for i := range e.Broadcast.Deliveries {
		w.tell(Event{Kind: Delivered, At: now, Message: messageOf(&e.Broadcast.Deliveries[i])})
	}
	for i := range w.links {
		l := &w.links[i]
		mode := LinkLazy
		if m.Eager(l.conn) {
			mode = LinkEager
		}
		if mode != l.mode {
			l.mode = mode
			w.tell(Event{Kind: mode, At: now, Peer: l.peer})
		}
	}
	for i := range e.Events {
		switch e := &e.Events[i]; e.Kind {
		case overlay.Rooted:
			w.tell(Event{Kind: Rooted, At: e.End, Peer: e.Peer})
		case overlay.Healed:
			w.tell(Event{Kind: Healed, At: e.End, Peer: e.Peer, Took: e.End.Sub(e.Start), Reason: wire.Reason(e.Outcome)})
		}
	}
}

// said tells of a message of our own.
func (w *watch) said(now time.Time, m Message) {
	if w.tell != nil {
		w.tell(Event{Kind: Said, At: now, Message: m})
	}
}

func messageOf(d *plumtree.Delivery) Message {
	return Message{Origin: d.Origin, Seq: d.Seq, Name: d.Name, Hops: d.Hops, Context: d.Publisher, Text: d.Body}
}
