package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/watch"
	"hearsay/peer/wire"
)

const (
	// heardWithin is how long a message may take to be everywhere before it is said who misses it. A mesh that is
	// mending has a message everywhere within a second or two.
	heardWithin = 5 * time.Second
	// tracedWithin is how long the message's spans may take to come, so that copies can be counted.
	tracedWithin = time.Second
)

// SendRequest is a text, and who is to say it: peer-1 unless said.
type SendRequest struct {
	From string `json:"from,omitempty"`
	Text string `json:"text"`
	// NoWait answers as soon as the message is accepted.
	NoWait bool `json:"no_wait,omitempty"`
}

// Sent is a message, and how it fared.
type Sent struct {
	ID      string         `json:"id"`
	TraceID string         `json:"trace_id"`
	Seq     uint64         `json:"seq"`
	From    int            `json:"from"`
	OK      bool           `json:"ok"`             // everybody has it who is owed it
	Text    string         `json:"text,omitempty"` // how it fared, in a sentence
	Account *watch.Account `json:"account,omitempty"`
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	var q SendRequest
	if !take(w, r, &q) {
		return
	}
	sent, err := s.Send(r.Context(), q)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, sent)
}

// Send publishes a text, and waits until everybody has it.
func (s *Server) Send(ctx context.Context, q SendRequest) (*Sent, error) {
	if len(q.Text) > wire.MaxBody {
		return nil, usageError{fmt.Errorf("the text is longer than %d bytes", wire.MaxBody)}
	}
	from, err := s.speaker(q.From)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Fleet.Publish(ctx, from, []byte(q.Text))
	if err != nil {
		return nil, fmt.Errorf("not published: %w", err)
	}
	sent := &Sent{ID: p.ID, TraceID: p.TraceID, Seq: p.Seq, From: from, OK: true}
	if q.NoWait {
		return sent, nil
	}
	s.Fared(ctx, q.Text, sent)
	return sent, nil
}

// Fared waits until everybody has a message that was sent, and fills in how it fared.
func (s *Server) Fared(ctx context.Context, text string, sent *Sent) {
	sent.Account = s.heard(ctx, sent.ID)
	sent.OK = sent.Account != nil && len(sent.Account.Missing) == 0
	sent.Text = fared(text, sent.Account)
}

// speaker is who is to say something: peer-1, or if that cannot, the next that can.
func (s *Server) speaker(what string) (int, error) {
	peers := s.cfg.Fleet.Peers()
	if what != "" {
		from, err := s.one(what)
		if err == nil {
			if err = fits("send", peers, []int{from}); err != nil {
				err = usageError{err}
			}
		}
		return from, err
	}
	paused := false
	for _, p := range peers {
		if p.Alive && !p.Paused {
			return p.Number, nil
		}
		paused = paused || p.Alive
	}
	if paused {
		return 0, usageError{errors.New("everybody who lives is paused (lab resume all)")}
	}
	return 0, usageError{errors.New("nobody lives who could say it (lab start dead)")}
}

// heard waits until a message is everywhere, and how it came there is known.
func (s *Server) heard(ctx context.Context, id string) (a *watch.Account) {
	var everywhere time.Time
	ctx, cancel := context.WithTimeout(ctx, heardWithin+tracedWithin)
	defer cancel()
	begun := time.Now()
	s.cfg.Watch.Until(ctx, func(m *watch.Model) bool {
		a, _ = m.Account(id)
		if a == nil || len(a.Missing) > 0 {
			return a != nil && time.Since(begun) > heardWithin
		}
		if everywhere.IsZero() {
			everywhere = time.Now()
		}
		return a.Traced || time.Since(everywhere) > tracedWithin
	})
	return a
}

// fared says how a message fared.
func fared(text string, a *watch.Account) string {
	if a == nil {
		return fmt.Sprintf("%s was published; nothing more is known of it", quote(text))
	}
	head := fmt.Sprintf("%s from %s: ", quote(text), a.Name)
	if n := len(a.Missing); n > 0 {
		var who []string
		for _, m := range a.Missing {
			who = append(who, m.Name+" ("+m.Why+")")
		}
		return fmt.Sprintf("%sheard by %d of %d; missed by %s", head, a.Heard, a.Owed, strings.Join(who, ", "))
	}
	if a.Owed == 0 {
		return head + "nobody else is there to hear it"
	}
	s := fmt.Sprintf("%sall %d in %s, %s", head, a.Owed, millis(a.TookMS), counted(a.Hops, "hop"))
	switch {
	case !a.Traced:
	case a.Further == 0:
		s += ", no copy wasted"
	default:
		s += ", " + counted(a.Further, "copy") + " too many"
	}
	return s
}

func quote(text string) string {
	const most = 40
	r := []rune(watch.Plain(text))
	if len(r) > most {
		r = append(r[:most-1], '…')
	}
	return `"` + string(r) + `"`
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// millis is a time for people: 0.3 ms, 12 ms, 3.1 s.
func millis(ms float64) string {
	switch {
	case ms < 0:
		return "unknown"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// names writes peers for people.
func names(peers []fleet.Peer, numbers []int) string {
	const most = 6
	var list []string
	for i, n := range numbers {
		if i == most && len(numbers) > most+1 {
			list = append(list, fmt.Sprintf("%d more", len(numbers)-most))
			break
		}
		name := fmt.Sprintf("peer-%d", n)
		for _, p := range peers {
			if p.Number == n {
				name = p.Name
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}
