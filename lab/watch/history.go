package watch

import (
	"encoding/json"
	"sort"
	"time"
)

// The bounds of what can be replayed. The oldest goes first.
const (
	// HistoryFor is how far back the past can be shown.
	HistoryFor = 10 * time.Minute
	// HistoryBytes is what it may take, as JSON: at some twenty messages a second among fifty peers it is reached
	// at about ten minutes.
	HistoryBytes = 32 << 20
	// keyEvery is how often a whole topology is kept, from which a replay can begin.
	keyEvery = 10 * time.Second
	// replayBytes bounds one answer.
	replayBytes = 4 << 20
)

// history is the last ten minutes: now and then a whole State, and the Batches between.
type history struct {
	entries []entry
	bytes   int
	keyAt   time.Time
	stale   bool // something happened since the last whole State
}

// entry is one Batch, or a State if key says so.
type entry struct {
	seq  uint64
	at   time.Time
	key  bool
	json json.RawMessage
}

// Replay is a piece of the past: the topology at or before its beginning, and what changed after.
type Replay struct {
	Oldest  float64           `json:"oldest"` // how far back the past can be shown
	Newest  float64           `json:"newest"`
	State   json.RawMessage   `json:"state"`
	Batches []json.RawMessage `json:"batches"`
	More    bool              `json:"more"` // there would be more batches within the time asked for
}

func (h *history) add(e entry) {
	h.entries = append(h.entries, e)
	h.bytes += len(e.json)
	if e.key {
		h.keyAt, h.stale = e.at, false
	} else {
		h.stale = true
	}
	h.trim(e.at)
}

// keyDue reports whether a whole State should be kept.
func (h *history) keyDue(now time.Time) bool {
	return len(h.entries) == 0 || h.stale && now.Sub(h.keyAt) >= keyEvery
}

// trim forgets the oldest, up to a State, so that what is left can be shown.
func (h *history) trim(now time.Time) {
	n := 0
	bytes := h.bytes
	for bytes > HistoryBytes || n < len(h.entries) && now.Sub(h.entries[n].at) > HistoryFor {
		next := n + 1
		for next < len(h.entries) && !h.entries[next].key {
			next++
		}
		if next == len(h.entries) {
			break // the newest State, and all that followed it
		}
		for _, e := range h.entries[n:next] {
			bytes -= len(e.json)
		}
		n = next
	}
	if n > 0 {
		h.bytes = bytes
		h.entries = append(h.entries[:0:0], h.entries[n:]...)
	}
}

// after returns the batches after seq; ok is false if some of them are no longer kept.
func (h *history) after(seq uint64, most int) (list []entry, ok bool) {
	i := sort.Search(len(h.entries), func(i int) bool { return h.entries[i].seq > seq })
	if i == 0 && len(h.entries) > 0 && h.entries[0].seq > seq+1 {
		return nil, false
	}
	for ; i < len(h.entries) && len(list) < most; i++ {
		if !h.entries[i].key {
			list = append(list, h.entries[i])
		}
	}
	return list, true
}

// replay is what happened from a time on, for a while.
func (h *history) replay(from time.Time, d time.Duration) (r Replay) {
	r.Batches = []json.RawMessage{}
	if len(h.entries) == 0 {
		return r
	}
	r.Oldest, r.Newest = millis(h.entries[0].at), millis(h.entries[len(h.entries)-1].at)
	begin := 0
	for i, e := range h.entries {
		if e.at.After(from) && i > 0 {
			break
		}
		if e.key {
			begin = i
		}
	}
	r.State = h.entries[begin].json
	size := 0
	for _, e := range h.entries[begin+1:] {
		if e.key {
			continue
		}
		if e.at.After(from.Add(d)) {
			break
		}
		if size += len(e.json); size > replayBytes {
			r.More = true
			break
		}
		r.Batches = append(r.Batches, e.json)
	}
	return r
}
