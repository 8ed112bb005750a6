package hook

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"time"

	"hearsay/peer/node"
)

const (
	// queueBytes is how much may wait for a lab that does not read. Events beyond it are not told but counted: a
	// peer never waits for its lab.
	queueBytes = 16 << 20
	// eventCost is what an event costs in the queue beside its text.
	eventCost = 256
)

// writer tells the lab. Answers are bounded by the requests under way, so only events are ever dropped.
type writer struct {
	mu     sync.Mutex
	queue  []queued
	bytes  int
	limit  int
	missed uint64
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

// queued is a line, or an event that becomes one when it is its turn.
type queued struct {
	line  *Line
	event node.Event
}

func newWriter(out io.Writer) *writer {
	w := &writer{limit: queueBytes, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.write(out)
	return w
}

func (w *writer) line(l Line) {
	w.mu.Lock()
	w.queue = append(w.queue, queued{line: &l})
	w.mu.Unlock()
	w.signal()
}

func (w *writer) event(e node.Event) {
	w.mu.Lock()
	if w.bytes > w.limit || w.closed {
		w.missed++
	} else {
		w.queue = append(w.queue, queued{event: e})
		w.bytes += eventCost + len(e.Message.Text)
	}
	w.mu.Unlock()
	w.signal()
}

// told is event for one that is in its final form.
func (w *writer) told(e *Event) {
	cost := eventCost
	if e.Message != nil {
		cost += len(e.Message.Text)
	}
	w.mu.Lock()
	if w.bytes > w.limit || w.closed {
		w.missed++
	} else {
		w.queue = append(w.queue, queued{line: &Line{Event: e}})
		w.bytes += cost
	}
	w.mu.Unlock()
	w.signal()
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) close(within time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	select {
	case <-w.done:
	case <-time.After(within):
	}
}

// write writes what is queued, and ends when it is closed or the lab no longer reads.
func (w *writer) write(out io.Writer) {
	defer close(w.done)
	buf := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	var taken []queued
	for range w.wake {
		w.mu.Lock()
		taken, w.queue = w.queue, taken[:0]
		w.bytes = 0
		missed, last := w.missed, w.closed
		w.missed = 0
		w.mu.Unlock()
		for i := range taken {
			l := taken[i].line
			if l == nil {
				l = &Line{Event: toEvent(&taken[i].event)}
			}
			if enc.Encode(l) != nil {
				return
			}
		}
		clear(taken)
		if missed > 0 && enc.Encode(&Line{Missed: missed}) != nil {
			return
		}
		if buf.Flush() != nil || last {
			return
		}
	}
}
