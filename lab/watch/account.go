package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Account is what became of one message: who told whom and when, and who has not got it and why.
type Account struct {
	ID      string    `json:"id"`
	Number  int       `json:"n"`
	Text    string    `json:"text"`
	Size    int       `json:"size"`
	From    int       `json:"from"`
	Name    string    `json:"name"` // the publisher's
	Said    time.Time `json:"said"`
	Heard   int       `json:"heard"` // of those who are owed it
	Owed    int       `json:"owed"`
	TookMS  float64   `json:"took_ms"` // until the last of them had it; negative if nobody has
	Hops    int       `json:"hops"`    // links that the longest way had
	Further int       `json:"further"` // copies beyond the first
	Trace   string    `json:"trace"`
	Traced  bool      `json:"traced"` // it is known of every delivery who told
	Tree    []Telling `json:"tree"`
	Missing []Missing `json:"missing"`
	Others  []Other   `json:"others"`
}

// Telling is a line of the tree: one peer, beneath the peer that told it.
type Telling struct {
	Depth int       `json:"depth"` // 0 is the publisher
	Peer  int       `json:"peer"`
	Name  string    `json:"name"`
	From  int       `json:"from"` // 0 is not known
	AtMS  float64   `json:"at_ms"`
	How   string    `json:"how"` // published, eager, grafted, catch-up; empty if not known
	Why   string    `json:"why,omitempty"`
	Hops  int       `json:"hops"`
	Extra bool      `json:"extra,omitempty"` // it was not owed the message
	More  []Further `json:"copies,omitempty"`
}

// Further is a copy after the first.
type Further struct {
	From   int     `json:"from"`
	Name   string  `json:"name"`
	AtMS   float64 `json:"at_ms"`
	Pruned bool    `json:"pruned"`
}

// Missing is a peer that is owed the message and does not have it.
type Missing struct {
	Peer  int        `json:"peer"`
	Name  string     `json:"name"`
	Why   string     `json:"why"`
	Since *time.Time `json:"since,omitempty"`
	Part  []int      `json:"part"` // with whom it is connected, itself included
	Kept  []int      `json:"kept"` // who still has it for this peer
	Until *time.Time `json:"kept_until,omitempty"`
}

// Other is a peer that is not owed the message, and does not have it.
type Other struct {
	Peer int    `json:"peer"`
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Account tells of a message: by its ID or the beginning of one, its trace's ID, or last.
func (m *Model) Account(what string) (*Account, error) {
	msg, err := m.find(what)
	if err != nil {
		return nil, err
	}
	a := &Account{
		ID: msg.id, Number: msg.number, Text: msg.text, Size: msg.size, From: msg.origin.number, Name: m.sayer(msg), Said: msg.said,
		TookMS: -1, Trace: traceText(msg.trace), Traced: true,
		Tree: []Telling{}, Missing: []Missing{}, Others: []Other{},
	}
	died := m.neverRead(msg)
	for _, p := range m.places {
		r, what := m.owed(msg, p)
		if what == owedDue && died != nil {
			a.Others = append(a.Others, Other{p.Number, p.called(), m.whyNeverRead(msg, died)})
			continue
		}
		switch what {
		case owedHeard:
			a.Heard++
			h := msg.hopTo(runRef{p.Number, r.number})
			a.TookMS, a.Hops = max(a.TookMS, sinceMS(msg.said, h.at)), max(a.Hops, h.links)
		case owedDue:
			a.Missing = append(a.Missing, m.missing(msg, p))
		case owedNothing, owedDied:
			if p.seen {
				a.Others = append(a.Others, Other{p.Number, p.called(), m.notOwed(msg, p, r)})
			}
		}
	}
	a.Owed = a.Heard + len(a.Missing)
	m.tree(a, msg)
	return a, nil
}

// sayer is the publisher's name.
func (m *Model) sayer(msg *message) string {
	if msg.origin.number > 0 {
		return m.name(msg.origin.number)
	}
	return msg.name
}

// find finds the message that people mean.
func (m *Model) find(what string) (*message, error) {
	l := &m.messages
	if len(l.order) == 0 {
		return nil, fmt.Errorf("nobody has said anything yet (lab send hello)")
	}
	if what == "last" || what == "" {
		for _, msg := range slices.Backward(l.order) {
			if msg.shown() {
				return msg, nil
			}
		}
	}
	if msg := l.byID[what]; msg != nil {
		return msg, nil
	}
	var found *message
	for _, msg := range slices.Backward(l.order) {
		if traceText(msg.trace) == what || msg.text == what {
			return msg, nil
		}
		if len(what) >= 4 && strings.HasPrefix(msg.id, what) {
			if found != nil {
				return nil, fmt.Errorf("%s begins the ids of several messages: give more of it", quote(what, 60))
			}
			found = msg
		}
	}
	if found == nil {
		return nil, fmt.Errorf("no message %s is known: name one by its id, its trace id or its text, or say last (the newest %d are remembered)", quote(what, 60), MaxMessages)
	}
	return found, nil
}

// tree fills in who told whom, depth first, the earlier first.
func (m *Model) tree(a *Account, msg *message) {
	children := map[int][]int{} // by index into hops; -1 is the publisher
	var lost []int              // whom somebody told whose own hop is not known
	for i := range msg.hops {
		h := &msg.hops[i]
		a.Further += len(h.copies)
		if !h.delivery() {
			continue
		}
		switch teller := m.teller(msg, h); {
		case h.from == (runRef{}):
			a.Traced = false
			lost = append(lost, i)
		case h.from == msg.origin || h.from.number == msg.origin.number:
			children[-1] = append(children[-1], i)
		case teller < 0 || teller == i:
			lost = append(lost, i)
		default:
			children[teller] = append(children[teller], i)
		}
	}
	a.Tree = append(a.Tree, Telling{Peer: msg.origin.number, Name: m.sayer(msg), How: "published"})
	earlier := func(x, y int) int {
		return cmp.Or(msg.hops[x].at.Compare(msg.hops[y].at), cmp.Compare(msg.hops[x].to.number, msg.hops[y].to.number))
	}
	done := make([]bool, len(msg.hops))
	var walk func(list []int, depth int)
	walk = func(list []int, depth int) {
		slices.SortFunc(list, earlier)
		for _, i := range list {
			if !done[i] {
				done[i] = true
				a.Tree = append(a.Tree, m.telling(msg, &msg.hops[i], depth))
				walk(children[i], depth+1)
			}
		}
	}
	walk(children[-1], 1)
	walk(lost, 1)
	// Peers that told each other in a circle, which no honest spans say: they must not vanish.
	for i := range msg.hops {
		if !done[i] && msg.hops[i].delivery() {
			walk([]int{i}, 1)
		}
	}
}

// teller is the hop of the peer that told, or -1.
func (m *Model) teller(msg *message, h *hop) int {
	return slices.IndexFunc(msg.hops, func(t hop) bool { return t.to == h.from && t.delivery() })
}

func (m *Model) telling(msg *message, h *hop, depth int) Telling {
	t := Telling{
		Depth: depth, Peer: h.to.number, Name: m.name(h.to.number), From: h.from.number, AtMS: sinceMS(msg.said, h.at),
		How: h.how.String(), Hops: h.links, Why: m.whyThisWay(msg, h),
	}
	if p := m.known(h.to.number); p != nil {
		_, what := m.owed(msg, p)
		t.Extra = what == owedExtra
	}
	for _, c := range h.copies {
		t.More = append(t.More, Further{c.from.number, m.name(c.from.number), sinceMS(msg.said, c.at), c.pruned})
	}
	return t
}
