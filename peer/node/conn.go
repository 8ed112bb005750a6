package node

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"hearsay/peer/wire"
)

const (
	// readSize is a read buffer's usual length: a few hundred short messages at once. Pages that were
	// never filled cost nothing.
	readSize = 32 << 10
	// longestFrame is what a buffer grows to for one frame, once its announced length was checked.
	longestFrame = wire.MaxLine + wire.MaxBody + 1
	// lingerFor is how long a connection that we gave up may take to drain, so that the far side reads
	// our last words: closing while bytes of theirs are unread would reset the connection and destroy
	// them (RFC 1122 section 4.2.2.13).
	lingerFor = time.Second
)

// batch is what one read brought: all its frames, and the buffer that they refer to.
type batch struct {
	conn   *conn
	at     time.Time // when the read returned
	frames []wire.Frame
	buf    []byte
	end    wire.Reason // if the connection ended after these frames
	broken bool        // it ended since the far side sent what it must not
	detail string      // of a broken end
}

var batches = sync.Pool{New: func() any { return &batch{buf: make([]byte, readSize)} }}

// release gives the batch back. Nothing may refer to its buffer any more.
func (b *batch) release() {
	if cap(b.buf) != readSize {
		return // grown for a long frame: let it go
	}
	clear(b.frames)
	*b = batch{buf: b.buf[:cap(b.buf)], frames: b.frames[:0]}
	batches.Put(b)
}

// conn is one TCP connection: a reader, a writer, and the queue between the loop and the writer.
type conn struct {
	id  wire.Conn
	net net.Conn

	// Of the loop alone.
	outbox queue // filled in a turn, handed over at its end
	dirty  bool  // outbox is in the loop's list of those to hand over
	full   bool  // as the core was told
	hungup bool

	mu      sync.Mutex
	pending queue // handed over, not yet taken by the writer
	writing int   // bytes the writer took and has not written
	hangup  bool  // close once pending is written
	wake    chan struct{}
	written int64 // bytes, since the beginning

	done chan struct{} // closed when the reader has ended
}

func newConn(id wire.Conn, c net.Conn) *conn {
	return &conn{id: id, net: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// flush hands the outbox to the writer. It reports how much is queued now.
func (c *conn) flush(hangup bool) (queued int) {
	c.mu.Lock()
	c.outbox.moveTo(&c.pending)
	c.hangup = c.hangup || hangup
	queued = c.pending.bytes + c.writing
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return queued
}

// write is the writer: it writes all that is queued at once, and again. It ends when it was told to
// hang up, or when the connection fails; the reader notices either.
func (c *conn) write(drained func(*conn)) {
	var taken queue
	var scratch net.Buffers
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		for {
			c.mu.Lock()
			c.pending, taken = taken, c.pending
			c.writing = taken.bytes
			hangup := c.hangup
			c.mu.Unlock()
			if taken.bytes == 0 {
				if hangup {
					c.part()
					return
				}
				break
			}
			if hangup {
				c.net.SetWriteDeadline(time.Now().Add(lingerFor))
			}
			scratch = append(scratch[:0], taken.slices...)
			rest := scratch
			_, err := rest.WriteTo(c.net)
			clear(scratch)
			c.mu.Lock()
			c.written += int64(taken.bytes)
			wasOver := c.pending.bytes+c.writing > lowMark
			c.writing = 0
			isLow := c.pending.bytes <= lowMark
			c.mu.Unlock()
			taken.reset()
			if err != nil {
				c.net.Close()
				return
			}
			if wasOver && isLow {
				drained(c)
			}
		}
	}
}

// part closes our half, and leaves the reader lingerFor to see the far side do the same.
func (c *conn) part() {
	c.net.SetReadDeadline(time.Now().Add(lingerFor))
	if half, ok := c.net.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	c.net.Close()
}

// read is the reader: it decodes what comes and hands it over, one batch for each read, and ends with
// a batch that says why. Handing over blocks while the loop is behind, which holds the far side back
// by TCP's own means. It stops early when the node does.
func (c *conn) read(inbox chan<- *batch, stop <-chan struct{}) {
	defer close(c.done)
	defer c.net.Close()
	b := batches.Get().(*batch)
	filled := 0
	for {
		n, err := c.net.Read(b.buf[filled:])
		filled += n
		b.conn, b.at = c, time.Now()
		used := b.decode(filled)
		if b.end == "" && err != nil {
			b.end = endOf(err)
		}
		if b.end == "" && used == 0 {
			// A frame longer than the buffer: its length was checked by Decode before we grow.
			if filled == len(b.buf) {
				grown := make([]byte, longestFrame)
				copy(grown, b.buf)
				b.buf = grown
			}
			continue
		}
		next := batches.Get().(*batch)
		if rest := b.buf[used:filled]; len(rest) > len(next.buf) {
			next.buf = make([]byte, longestFrame)
			filled = copy(next.buf, rest)
		} else {
			filled = copy(next.buf, rest)
		}
		end, broken := b.end, b.broken
		select {
		case inbox <- b:
		case <-stop:
			return
		}
		if broken {
			// The far side is to be told why; the connection ends once part has given it time to listen.
			io.Copy(io.Discard, c.net)
		}
		if end != "" {
			return
		}
		b = next
	}
}

// decode fills frames from the first filled bytes of the buffer, and returns how many it used.
func (b *batch) decode(filled int) (used int) {
	for used < filled {
		b.frames = append(b.frames, wire.Frame{})
		n, err := wire.Decode(b.buf[used:filled], &b.frames[len(b.frames)-1])
		if n == 0 || err != nil {
			b.frames = b.frames[:len(b.frames)-1]
		}
		if err != nil {
			b.end, b.broken = wire.ReasonFrame, true
			if e, ok := errors.AsType[*wire.Error](err); ok {
				b.end, b.detail = e.Reason, e.Detail
			}
			break
		}
		if n == 0 {
			break
		}
		used += n
	}
	return used
}

// endOf names why reading ended.
func endOf(err error) wire.Reason {
	var timeout net.Error
	switch {
	case errors.Is(err, io.EOF):
		return wire.ReasonEOF
	case errors.Is(err, syscall.ECONNREFUSED):
		return wire.ReasonRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return wire.ReasonTimeout
	default:
		return wire.ReasonReset
	}
}
