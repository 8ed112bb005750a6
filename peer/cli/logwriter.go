package cli

import (
	"io"
	"log/slog"
	"sync"
	"time"
)

// logBytes is how much of the log waits for a standard error that is not read; further lines are counted.
const logBytes = 256 << 10

// logWriter writes the log to standard error without ever waiting for it. The peer's one loop logs, and
// whoever stops reading, be it a pipe's other end or a terminal after Ctrl+S, must not stop the peer.
type logWriter struct {
	out  io.Writer
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	queue  []byte
	missed int // lines that found the queue full
	closed bool
}

func startLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Write takes one line. It never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	if len(w.queue)+len(line) > logBytes {
		w.missed++
	} else {
		w.queue = append(w.queue, line...)
	}
	w.mu.Unlock()
	w.signal()
	return len(line), nil
}

// close writes what waits, and gives up after limit.
func (w *logWriter) close(limit time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	select {
	case <-w.done:
	case <-time.After(limit):
	}
}

func (w *logWriter) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *logWriter) run() {
	defer close(w.done)
	var spare []byte
	for {
		w.mu.Lock()
		lines, missed, closed := w.queue, w.missed, w.closed
		w.queue, w.missed = spare[:0], 0
		w.mu.Unlock()
		if len(lines) == 0 && missed == 0 {
			if closed {
				return
			}
			spare = lines
			<-w.wake
			continue
		}
		w.out.Write(lines)
		if missed > 0 {
			slog.New(slog.NewTextHandler(w.out, nil)).Warn("standard error was not read: lines of the log are missing", "lines", missed)
		}
		spare = lines
	}
}
