package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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
	// retryAfter is after how many milliseconds a browser comes back.
	retryAfter = 500
)

// stream sends what happens: a State first, unless the browser comes back for what it has missed and that is still
// kept; then Batches. The events' ids are the lab's boot and the batch's number, since another lab counts anew.
func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages look on already", maxStreams))
		return
	}
	s := sender{p: p, w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	fmt.Fprintf(&s.buf, "retry: %d\n\n", retryAfter)
	seq, known := p.resume(r.Header.Get("Last-Event-ID"))
	for r.Context().Err() == nil {
		if !known {
			state := p.cfg.Watch.State()
			s.event("state", state.Seq, encode(state))
			seq, known = state.Seq, true
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
		known = ok
		for _, c := range list {
			s.event("batch", c.Seq, c.JSON)
			seq = c.Seq
		}
	}
}

// resume is the number after which a browser wants to go on.
func (p *page) resume(last string) (seq uint64, ok bool) {
	boot, number, ok := strings.Cut(last, "-")
	if !ok || boot != p.boot {
		return 0, false
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	return seq, err == nil
}

// sender writes events.
type sender struct {
	p   *page
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
}

// event adds one. Its data is JSON, which has no line ends.
func (s *sender) event(name string, seq uint64, data json.RawMessage) {
	fmt.Fprintf(&s.buf, "event: %s\nid: %s-%d\ndata: %s\n\n", name, s.p.boot, seq, data)
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
