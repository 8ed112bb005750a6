package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"hearsay/lab/watch"
)

const (
	// maxStreams is how many pages may look on at the same time; further ones are told so.
	maxStreams = 64
	// writeFor is how long a write to a page may take before it is given up: it comes back by itself.
	writeFor = 10 * time.Second
	// beatEvery is how often something is sent when there is nothing to tell, so that both sides know of a dead
	// connection.
	beatEvery = 5 * time.Second
)

// stream sends what happens: a State, and then Batches, with another State between if a reader is so slow that what it
// needs next is no longer kept. Whoever comes back begins with a State too: it may be another lab that answers.
func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages look on already", maxStreams))
		return
	}
	s := sender{w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	seq, behind := uint64(0), true
	for r.Context().Err() == nil {
		if behind {
			state := p.cfg.Watch.State()
			s.event("state", encode(state))
			seq = state.Seq
		}
		if !s.flush() {
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), beatEvery)
		list, ok, err := p.cfg.Watch.After(ctx, seq)
		cancel()
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
