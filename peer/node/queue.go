package node

// The marks of a link's queue, in bytes that were handed to its writer and are not yet written.
const (
	// highMark is where a link counts as full: the core stops sending it payload. It holds a burst of a
	// few thousand short messages, or a dozen of the longest.
	highMark = 1 << 20
	// lowMark is where it counts as drained, low enough that full and drained do not alternate with
	// every write.
	lowMark = highMark / 4
	// hardMark is where the connection is given up: control frames alone cannot fill so much on a link
	// that moves at all.
	hardMark = 8 * highMark
)

// queue is a list of byte slices to be written one after the other. Slices that lie one behind the
// other in memory, as messages in the retained log do, become one: a burst of messages is then one
// write of one slice, and costs a queue no memory of its own.
type queue struct {
	slices [][]byte
	bytes  int
}

// push appends b, which must never be written again.
func (q *queue) push(b []byte) {
	if len(b) == 0 {
		return
	}
	q.bytes += len(b)
	if n := len(q.slices); n > 0 {
		if last := q.slices[n-1]; cap(last)-len(last) >= len(b) {
			if grown := last[:len(last)+len(b)]; &grown[len(last)] == &b[0] {
				q.slices[n-1] = grown
				return
			}
		}
	}
	q.slices = append(q.slices, b)
}

// moveTo appends all of q to dst and empties q, which keeps its memory.
func (q *queue) moveTo(dst *queue) {
	dst.slices = append(dst.slices, q.slices...)
	dst.bytes += q.bytes
	q.reset()
}

func (q *queue) reset() {
	clear(q.slices)
	q.slices, q.bytes = q.slices[:0], 0
}
