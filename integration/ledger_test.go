package integration_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Ledger holds what was said and what was heard, as Jepsen's checkers do: an attempt to publish is
// begun before it is made, so that what was heard but never acknowledged is known, and is then accepted, or
// remains of unknown fate. [Ledger.Check] judges the whole of it, and can do so at any time.
//
// Every text is published once in a test, so the text says which publication was heard.
type Ledger struct {
	mu    sync.Mutex
	begun time.Time
	lives []*Life
	said  []*Said
}

// Life is one run of one peer. A peer that is started again is owed nothing of its former life.
type Life struct {
	Peer    string
	Number  int       // of this peer's lives, from 1
	Started time.Time // just before it was started: nothing older may be delivered
	Up      time.Time // when it first answered: all that is published from then on is owed to it
	Ended   time.Time // when it was killed or stopped
	Clean   bool      // it stopped by itself, and so had time to hand on what it had accepted
	Broken  string    // why its standard output could not be read to the end

	published int
	heard     []heard
}

type heard struct {
	Delivery
	at time.Time
}

// Said is one publication.
type Said struct {
	By       *Life
	N        int // of this life's publications, from 1: its order
	Text     string
	Begun    time.Time
	Accepted bool
	Receipt  Receipt // from POST /messages; empty for a line typed
	Err      string  // what the attempt ended with, of unknown fate
}

// newborn is how much older than a peer's start a message may seem when it is delivered there: ages travel
// without the time on the wire, and a container takes a moment from being told to start to running.
const newborn = time.Second

func newLedger() *Ledger { return &Ledger{begun: time.Now()} }

// start begins a life.
func (l *Ledger) start(peer string) *Life {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 1
	for _, other := range l.lives {
		if other.Peer == peer {
			n++
		}
	}
	life := &Life{Peer: peer, Number: n, Started: time.Now()}
	l.lives = append(l.lives, life)
	return life
}

// up says that the peer answers.
func (l *Ledger) up(life *Life) {
	l.mu.Lock()
	defer l.mu.Unlock()
	life.Up = time.Now()
}

// end ends a life.
func (l *Ledger) end(life *Life, clean bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life.Ended.IsZero() {
		life.Ended, life.Clean = time.Now(), clean
	}
}

// begin enters an attempt to publish. words are for people; a name and a number make the text unique.
func (l *Ledger) begin(by *Life, words string) *Said {
	l.mu.Lock()
	defer l.mu.Unlock()
	by.published++
	s := &Said{By: by, N: by.published, Begun: time.Now()}
	s.Text = fmt.Sprintf("%s says #%d: %s", by, s.N, words)
	l.said = append(l.said, s)
	return s
}

// settle enters how the attempt ended.
func (l *Ledger) settle(s *Said, r Receipt, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Accepted, s.Receipt = err == nil, r; err != nil {
		s.Err = err.Error()
	}
}

// hear enters a line that the peer wrote to its standard output.
func (l *Ledger) hear(life *Life, line []byte, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var d Delivery
	if err := json.Unmarshal(line, &d); err != nil {
		life.Broken = fmt.Sprintf("%v in %q", err, line)
		return
	}
	life.heard = append(life.heard, heard{d, at})
}

// broke enters that the peer's standard output cannot be read further.
func (l *Ledger) broke(life *Life, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	life.Broken = err.Error()
}

func (l *Life) String() string {
	if l.Number == 1 {
		return l.Peer
	}
	return fmt.Sprintf("%s (life %d)", l.Peer, l.Number)
}

// Verdict is what is wrong; each entry is a sentence. All of it but Lost is wrong for good, and Lost may only be late.
type Verdict struct {
	Lost, Duplicated, OutOfOrder, Unexpected []string

	Published, Accepted, Owed, Delivered int
}

// Check judges the ledger.
//
// Lost is what a peer that lives is owed and has not heard. It is owed what was published since it was up, if that
// was accepted by a peer that was not killed, or was heard by anybody else who lives: what a dying peer got out to
// one survivor, every survivor gets.
//
// Unexpected is what nobody published, what comes back to its publisher, what is older than the peer, and what has another id than its
// publisher was told.
func (l *Ledger) Check() Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := Verdict{Published: len(l.said)}
	said := make(map[string]*Said, len(l.said))
	for _, s := range l.said {
		said[s.Text] = s
		if s.Accepted {
			v.Accepted++
		}
	}
	heardBy := map[*Said]map[*Life]bool{}
	for _, life := range l.lives {
		life.judge(&v, said, heardBy)
	}
	for _, s := range l.said {
		owed := s.Accepted && (s.By.Ended.IsZero() || s.By.Clean)
		witness := ""
		for life := range heardBy[s] {
			if life.Ended.IsZero() {
				owed, witness = true, fmt.Sprintf(", and %s heard it", life)
				break
			}
		}
		if !owed {
			continue
		}
		for _, life := range l.lives {
			if life == s.By || !life.Ended.IsZero() || life.Up.IsZero() || s.Begun.Before(life.Up) {
				continue
			}
			v.Owed++
			if !heardBy[s][life] {
				v.Lost = append(v.Lost, fmt.Sprintf("%s lacks %q, published at %v%s", life, s.Text, l.since(s.Begun), witness))
			}
		}
	}
	return v
}

// judge checks what one life heard, in the order in which it heard it.
func (life *Life) judge(v *Verdict, said map[string]*Said, heardBy map[*Said]map[*Life]bool) {
	if life.Broken != "" {
		v.Unexpected = append(v.Unexpected, fmt.Sprintf("the standard output of %s: %s", life, life.Broken))
	}
	last := map[*Life]*Said{}
	lastSeq := map[string]uint64{}
	for _, h := range life.heard {
		v.Delivered++
		s := said[h.Text]
		switch {
		case s == nil:
			v.Unexpected = append(v.Unexpected, fmt.Sprintf("%s heard %q from %s, which nobody published", life, h.Text, h.Name))
			continue
		case s.By == life:
			v.Unexpected = append(v.Unexpected, fmt.Sprintf("%s heard its own %q", life, h.Text))
			continue
		case heardBy[s][life]:
			v.Duplicated = append(v.Duplicated, fmt.Sprintf("%s heard %q again, as %s", life, h.Text, h.ID))
			continue
		case s.Begun.Add(newborn).Before(life.Started):
			v.Unexpected = append(v.Unexpected, fmt.Sprintf("%s heard %q, published %v before it started", life, h.Text, life.Started.Sub(s.Begun)))
		case s.Receipt.ID != "" && s.Receipt.ID != h.ID:
			v.Unexpected = append(v.Unexpected, fmt.Sprintf("%s heard %q as %s, and its publisher was told %s", life, h.Text, h.ID, s.Receipt.ID))
		}
		if before := last[s.By]; before != nil && before.N > s.N {
			v.OutOfOrder = append(v.OutOfOrder, fmt.Sprintf("%s heard %q after %q", life, h.Text, before.Text))
		} else if h.Seq <= lastSeq[h.Origin] {
			v.OutOfOrder = append(v.OutOfOrder, fmt.Sprintf("%s heard %q with sequence number %d after %d", life, h.Text, h.Seq, lastSeq[h.Origin]))
		}
		last[s.By], lastSeq[h.Origin] = s, h.Seq
		if heardBy[s] == nil {
			heardBy[s] = map[*Life]bool{}
		}
		heardBy[s][life] = true
	}
}

// since is the time since the ledger was begun, which the log of events counts too.
func (l *Ledger) since(t time.Time) time.Duration { return t.Sub(l.begun).Round(time.Millisecond) }

// Wrong returns what is wrong for good, or nil.
func (v Verdict) Wrong() error {
	return complaint("duplicated", v.Duplicated, "out of order", v.OutOfOrder, "unexpected", v.Unexpected)
}

// Err returns all that is wrong, or nil.
func (v Verdict) Err() error {
	return complaint("lost", v.Lost, "duplicated", v.Duplicated, "out of order", v.OutOfOrder, "unexpected", v.Unexpected)
}

func (v Verdict) String() string {
	return fmt.Sprintf("%d published, %d accepted, %d of %d owed deliveries made; %d lost, %d duplicated, %d out of order, %d unexpected",
		v.Published, v.Accepted, v.Owed-len(v.Lost), v.Owed, len(v.Lost), len(v.Duplicated), len(v.OutOfOrder), len(v.Unexpected))
}

// complaint counts each kind of wrong and quotes the first few.
func complaint(kinds ...any) error {
	var out []string
	for i := 0; i < len(kinds); i += 2 {
		if list := kinds[i+1].([]string); len(list) > 0 {
			quoted := list[:min(len(list), 4)]
			out = append(out, fmt.Sprintf("%d %s: %s", len(list), kinds[i], strings.Join(quoted, "; ")))
		}
	}
	if out == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(out, "\n"))
}

// write puts the ledger into a form that a person can read and search: one line for each thing that was said, with who heard it when.
func (l *Ledger) write() string {
	v := l.Check()
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n", v)
	if err := v.Err(); err != nil {
		for _, list := range [][]string{v.Lost, v.Duplicated, v.OutOfOrder, v.Unexpected} {
			for _, line := range list {
				fmt.Fprintln(&b, "!", line)
			}
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return fmt.Sprintf("%.3f", t.Sub(l.begun).Seconds())
	}
	for _, life := range l.lives {
		fmt.Fprintf(&b, "life %s: started %s, up %s, ended %s\n", life, at(life.Started), at(life.Up), at(life.Ended))
	}
	type hearing struct {
		life *Life
		h    heard
	}
	heard := map[string][]hearing{}
	for _, life := range l.lives {
		for _, h := range life.heard {
			heard[h.Text] = append(heard[h.Text], hearing{life, h})
		}
	}
	for _, s := range l.said {
		fmt.Fprintf(&b, "%s %q accepted=%t %s %s\n", at(s.Begun), s.Text, s.Accepted, s.Receipt.ID, s.Err)
		hs := heard[s.Text]
		slices.SortStableFunc(hs, func(a, b hearing) int { return a.h.at.Compare(b.h.at) })
		for _, h := range hs {
			fmt.Fprintf(&b, "\t%s %s, hop %d, seq %d\n", at(h.h.at), h.life, h.h.Hops, h.h.Seq)
		}
	}
	return b.String()
}
