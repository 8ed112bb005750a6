package plumtree

import (
	"slices"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// retained is the log: the frames that we relayed, in the order in which they arrived, in chunks of
// memory. A frame is written once and never changed, so that links refer to it, and frames that
// follow each other lie side by side, so that a queue can write many as one.
//
// Eviction takes the oldest arrival, for bytes as for age. A message expires no later than one window
// after it arrived, so one that came late and behind a newer one waits for that at most.
type retained struct {
	chunks   []*chunk // oldest first; frames are added to the last
	size     int      // of a chunk
	limit    int
	bytes    int // what the messages weigh
	messages int
}

type chunk struct {
	buf     []byte // its capacity never changes
	entries []entry
	evicted int // so many entries, from the first, are gone
}

// entry is one message.
type entry struct {
	origin    *origin
	seq       uint64
	published instant // when it was published, as far as we can tell
	written   instant // when the head was written, with the age it had then
	span      wire.SpanID
	off, size uint32 // of its frame in buf
	head      uint16 // how many of its bytes are the head
	hops      uint16 // in the head: links travelled when it arrives
}

const (
	chunkMax = 256 << 10
	chunkMin = 16 << 10
	// headMax is the longest head: the verb, twelve digits of age, four of hops, sixteen of span.
	headMax = 48
	// entryBytes is what keeping a message takes beside its frame: its entry and its ref.
	entryBytes = 64 + 16
)

func (g *retained) init(limit int) {
	g.limit = limit
	g.size = min(max(limit/64, chunkMin), chunkMax)
}

// reserve returns memory for a frame of n bytes at most; the frame that was written there by append is
// given to commit.
func (g *retained) reserve(n int) []byte {
	if len(g.chunks) > 0 {
		if c := g.chunks[len(g.chunks)-1]; cap(c.buf)-len(c.buf) >= n {
			return c.buf[len(c.buf):]
		}
	}
	c := &chunk{buf: make([]byte, 0, max(g.size, n))}
	if len(g.chunks) > 0 {
		c.entries = make([]entry, 0, len(g.chunks[len(g.chunks)-1].entries)+16)
	}
	g.chunks = append(g.chunks, c)
	return c.buf
}

// commit keeps the frame that was written to reserved memory, and evicts what must make room for it.
func (g *retained) commit(e entry, frame []byte) {
	c := g.chunks[len(g.chunks)-1]
	e.off, e.size = uint32(len(c.buf)), uint32(len(frame))
	c.buf = c.buf[:len(c.buf)+len(frame)]
	c.entries = append(c.entries, e)
	e.origin.log.add(e.seq, ref{c, len(c.entries) - 1})
	g.bytes += len(frame) + entryBytes
	g.messages++
	for g.bytes > g.limit && g.messages > 1 && !planted.On(planted.KeepTooMuch) { // the newest is on its way
		g.evict()
	}
}

// oldest is the entry that arrived first, or nil.
func (g *retained) oldest() *entry {
	if g.messages == 0 {
		return nil
	}
	c := g.chunks[0]
	return &c.entries[c.evicted]
}

// evict removes the oldest.
func (g *retained) evict() {
	c := g.chunks[0]
	e := &c.entries[c.evicted]
	o := e.origin
	o.log.removeFirst(e.seq)
	if e.seq > o.evicted {
		o.evicted, o.evictedAt = e.seq, e.published
	}
	g.bytes -= int(e.size) + entryBytes
	g.messages--
	e.origin = nil
	if c.evicted++; c.evicted == len(c.entries) {
		g.chunks[0] = nil
		if g.chunks = g.chunks[1:]; len(g.chunks) == 0 {
			g.chunks = nil
		} else if cap(g.chunks) > 4*len(g.chunks) {
			g.chunks = slices.Clone(g.chunks)
		}
	}
}

// ref is where a message is.
type ref struct {
	chunk *chunk
	index int
}

func (r ref) entry() *entry { return &r.chunk.entries[r.index] }

// frame is the whole frame as it was first relayed; its capacity reaches into the frames behind it.
func (r ref) frame() []byte {
	e := r.entry()
	return r.chunk.buf[e.off : e.off+e.size]
}

// tail is the part of the frame that is the same at every hop.
func (r ref) tail() []byte { return r.frame()[r.entry().head:] }
