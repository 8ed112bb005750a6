package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"hearsay/lab/watch"
)

const (
	// maxStreams is how many pages may look on at the same time. One more takes the place of the page that came first, if
	// that has been there for staysFor: whoever reads comes back by itself, and whoever does not read must not keep
	// others out. The kernels' buffers are so large that one that does not read is found by no write for minutes. Where
	// all are newer than that the further one is told so.
	maxStreams = 64
	staysFor   = 30 * time.Second
	// writeFor is how long a write to a page may take before it is given up: it comes back by itself.
	writeFor = 10 * time.Second
	// beatEvery is how often something is sent when there is nothing to tell, so that both sides know of a dead
	// connection.
	beatEvery = 5 * time.Second
)

// stream sends what happens: a State, and then Batches, with another State between if a reader is so slow that what it
// needs next is no longer kept. Whoever comes back begins with a State too: it may be another lab that answers.
func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	reader := &reader{since: time.Now(), end: cancel}
	if !p.readers.enter(reader) {
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("too many pages look on: %d already", maxStreams))
		return
	}
	defer p.readers.leave(reader)
	s := sender{w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	seq, behind := uint64(0), true
	for ctx.Err() == nil {
		if behind {
			state := p.cfg.Watch.State()
			s.event("state", encode(state))
			seq = state.Seq
		}
		if !s.flush() {
			return
		}
		beat, stop := context.WithTimeout(ctx, beatEvery)
		list, ok, err := p.cfg.Watch.After(beat, seq)
		stop()
		if err != nil {
			s.buf.WriteString(": nothing new\n\n")
		}
		behind = !ok
		for _, c := range list {
			s.event("batch", c.JSON)
			seq = c.Seq
		}
	}
}

// readers are those who have a stream, whoever came first first.
type readers struct {
	stays time.Duration
	mu    sync.Mutex
	list  []*reader
}

type reader struct {
	since time.Time
	end   func()
}

// enter makes room for one more, or reports that there is none.
func (s *readers) enter(r *reader) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) >= maxStreams {
		if r.since.Sub(s.list[0].since) < s.stays {
			return false
		}
		s.list[0].end()
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, r)
	return true
}

func (s *readers) leave(r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(other *reader) bool { return other == r })
}

// sender writes events.
type sender struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
}

// event adds one. Its data is JSON, which has no line ends.
func (s *sender) event(name string, data json.RawMessage) {
	fmt.Fprintf(&s.buf, "event: %s\ndata: %s\n\n", name, data)
}

func (s *sender) flush() bool {
	s.rc.SetWriteDeadline(time.Now().Add(writeFor))
	_, err := s.w.Write(s.buf.Bytes())
	s.buf.Reset()
	return err == nil && s.rc.Flush() == nil
}

func encode(s *watch.State) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic("a state cannot be written as JSON: " + err.Error())
	}
	return b
}
