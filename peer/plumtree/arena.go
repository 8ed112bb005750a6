package plumtree

import "hearsay/peer/wire"

// arena is where small frames are written. They stay as they are, since queues refer to them; its
// memory is freed when none does.
type arena struct{ buf []byte }

const arenaBytes = 16 << 10

// room returns memory for one frame of at most one line.
func (a *arena) room() []byte {
	if cap(a.buf)-len(a.buf) < wire.MaxLine {
		a.buf = make([]byte, 0, arenaBytes)
	}
	return a.buf[len(a.buf):]
}

// keep keeps the frame that was written to room.
func (a *arena) keep(frame []byte) []byte {
	a.buf = a.buf[:len(a.buf)+len(frame)]
	return frame
}

// send sends a small frame that was written to room, and returns its length.
func (t *Tree) send(l *link, frame []byte) int {
	t.out.Sends = append(t.out.Sends, Send{l.conn, t.frames.keep(frame)})
	return len(frame)
}
