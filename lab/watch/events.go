package watch

import (
	"time"

	"hearsay/lab/fleet"
)

// Event is something that happened, for people. What the peers' own logs say is among them, with the kind log.
type Event struct {
	Number int       `json:"n"`
	At     time.Time `json:"-"`
	Stamp  float64   `json:"at"`
	Kind   string    `json:"kind"` // fleet.Kind's, and those below
	Peer   int       `json:"peer,omitempty"`
	Far    int       `json:"far,omitempty"`
	Peers  []int     `json:"peers,omitempty"`
	Text   string    `json:"text"`
	Took   float64   `json:"took_ms,omitempty"`
	Trace  string    `json:"trace,omitempty"`
}

// Kinds of Event beside the fleet's.
const (
	kindCaughtUp = "catch-up"
	kindTwice    = "duplicated"
	kindOrder    = "out-of-order"
	kindLog      = string(fleet.Log)
)

// Event takes what a fleet tells.
func (m *Model) Event(e fleet.Event) {
	m.begin(e.At)
	switch e.Kind {
	case fleet.Faulted:
		m.lossy.take(&e)
		m.faulted(&e)
		return
	case fleet.Said:
		if e.Message != nil {
			m.saidBy(&e)
		}
		return
	case fleet.Delivered:
		if e.Message != nil {
			m.deliveredAt(&e)
		}
		return
	}
	p := m.place(e.Peer)
	if p == nil {
		return
	}
	// What an earlier run still had to say changes nothing now.
	if e.Run != 0 && e.Run < p.Run {
		return
	}
	note := Event{At: e.At, Kind: string(e.Kind), Peer: e.Peer}
	switch e.Kind {
	case fleet.Started:
		run := e.Run
		if run == 0 { // an engine that does not count
			run = p.Run + 1
		}
		m.started(p, run, e.At) // which the fleet's own list may have told already
		m.identify(p, e.Far)
		note.Text = "started"
		if p.Run > 1 {
			note.Text = "started again"
		}
	case fleet.Ended:
		note.Text = m.ended(p, &e)
	case fleet.Paused:
		m.paused(p, e.At)
		note.Text = "paused"
	case fleet.Resumed:
		m.resumed(p, e.At)
		note.Text = "resumed"
	case fleet.LinkUp:
		note.Far = m.numberOf(e.Far)
		note.Text = "linked with " + m.farName(e.Far) + "; " + m.dialled(p, e.Reason)
		m.linkUp(p, e.Far, e.Reason == "out", e.At)
	case fleet.LinkDown:
		note.Far = m.numberOf(e.Far)
		note.Text = "lost its link with " + m.farName(e.Far) + ": " + e.Reason
		m.linkDown(p, e.Far, e.Reason, e.At)
	case fleet.LinkEager, fleet.LinkLazy:
		m.linkMode(p, e.Far, e.Kind == fleet.LinkEager, e.At)
		note.Far = m.numberOf(e.Far)
		note.Text = "link with " + m.farName(e.Far) + " is " + string(e.Kind) + " now"
	case fleet.Rooted:
		p.root = e.Far
		m.changes.peer(e.Peer)
		note.Far = m.numberOf(e.Far)
		note.Text = "follows " + m.farName(e.Far) + " as the root"
		if note.Far == e.Peer {
			note.Text = "is the root"
		}
	case fleet.Healed:
		m.healed(&e)
		note.Took, note.Text = millisOf(e.Took), healedText(&e)
	case fleet.Log:
		note.Text = short(e.Reason)
	case fleet.Missed:
		m.missedEvents += e.Count
		note.Text = "told of more than could be taken: " + counted(int(e.Count), "event") + " are missing here"
	}
	m.note(note)
}

// ended takes the end of a run, and says it in words.
func (m *Model) ended(p *place, e *fleet.Event) string {
	how := e.Reason
	switch how {
	case "kill", "stop":
	default:
		how = "crash"
	}
	if p.Alive {
		m.finish(p, e.At, how)
		m.died(p, how, e.At)
	}
	switch how {
	case "kill":
		return "was killed"
	case "stop":
		return "was stopped"
	}
	switch e.Reason {
	case fleet.Gone:
		return "has gone: nobody answers at its address"
	default:
		return "ended by itself: " + e.Reason
	}
}

func healedText(e *fleet.Event) string {
	switch e.Reason {
	case "saturated":
		return "has all the links there are to be had, " + span(e.Took) + " after a loss"
	case "alone":
		return "is alone: nobody is left to dial"
	default:
		return "has its links again, " + span(e.Took) + " after a loss"
	}
}

func (m *Model) dialled(p *place, reason string) string {
	if reason == "out" {
		return p.called() + " dialled"
	}
	return "it was dialled"
}

// farName is a peer by its ID, for people.
func (m *Model) farName(id string) string {
	if n := m.numberOf(id); n > 0 {
		return m.name(n)
	}
	return "a stranger (" + id[:min(len(id), 8)] + ")"
}

// note adds an event to its log.
func (m *Model) note(e Event) {
	e.Stamp = millis(e.At)
	log := &m.events
	if e.Kind == kindLog {
		log = &m.logs
	}
	e.Number = log.add(e)
	log.at(e.Number).Number = e.Number
	m.changes.event(e)
}
