package hook

import (
	"time"

	"hearsay/peer/node"
)

// looker tells events of a peer by the differences between its statuses. What comes and goes between two of them is
// not seen, and when it happened is known only to within the time between them.
type looker struct {
	links  map[string]node.LinkStatus
	root   string
	healed uint64
	began  bool
}

// see returns what has changed.
func (l *looker) see(now time.Time, s *node.Status) (events []*Event) {
	tell := func(kind node.EventKind, e Event) {
		e.Kind = kinds[kind]
		if e.At.IsZero() {
			e.At = now
		}
		events = append(events, &e)
	}
	links := make(map[string]node.LinkStatus, len(s.Links))
	for _, k := range s.Links {
		links[k.ID] = k
	}
	for id, was := range l.links {
		// A link that is younger than the one we saw is another.
		if is, still := links[id]; !still || is.Dir != was.Dir || is.SinceMS < was.SinceMS {
			tell(node.LinkDown, Event{Far: id, Reason: "gone"})
			delete(l.links, id)
		}
	}
	for _, k := range s.Links {
		was, old := l.links[k.ID]
		if !old {
			tell(node.LinkUp, Event{Far: k.ID, Reason: k.Dir, At: now.Add(-time.Duration(k.SinceMS) * time.Millisecond)})
		}
		switch {
		case k.Eager && (!old || !was.Eager):
			tell(node.LinkEager, Event{Far: k.ID})
		case !k.Eager && (!old || was.Eager):
			tell(node.LinkLazy, Event{Far: k.ID})
		}
	}
	if s.Root != l.root {
		tell(node.Rooted, Event{Far: s.Root})
	}
	if l.began && s.Healed.Count > l.healed {
		tell(node.Healed, Event{Took: time.Duration(s.Healed.LastMS) * time.Millisecond, Reason: "linked"})
	}
	*l = looker{links: links, root: s.Root, healed: s.Healed.Count, began: true}
	return events
}
