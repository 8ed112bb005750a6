package node

import "time"

// A ration bounds how much of the log strangers fill: whoever can dial can send garbage as fast as he likes. What is not
// logged is counted all the same, by its reason, in Status.
type ration struct {
	began  time.Time
	logged int // since then
	left   int // not logged since the last that was
}

// rationFor and rationSize are how many lines there are at most in what time: enough to see who it is and what he sends.
const (
	rationFor  = time.Minute
	rationSize = 16
)

// take reports whether to log one more, and how many were left out before it.
func (r *ration) take(now time.Time) (ok bool, left int) {
	if now.Sub(r.began) >= rationFor {
		r.began, r.logged = now, 0
	}
	if r.logged == rationSize {
		r.left++
		return false, 0
	}
	r.logged++
	left, r.left = r.left, 0
	return true, left
}
