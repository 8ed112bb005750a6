package plumtree

import (
	"slices"
	"sort"
)

// runs says where the messages of one origin are: runs of consecutive ones, in order, with gaps where
// messages were lost, or were never had. Nearly always it is one run.
type runs []run

type run struct {
	first uint64
	refs  []ref
}

func (r *run) end() uint64 { return r.first + uint64(len(r.refs)) }

// seek returns the index of the first run that ends beyond seq.
func (rs runs) seek(seq uint64) int {
	n := len(rs)
	if n == 0 || rs[n-1].first <= seq { // the newest run is asked for most
		n = max(n-1, 0)
		if n < len(rs) && seq >= rs[n].end() {
			n++
		}
		return n
	}
	return sort.Search(n, func(i int) bool { return rs[i].end() > seq })
}

// find returns where seq is. If it is not held, next is the lowest that is held beyond it, or zero.
func (rs runs) find(seq uint64) (r ref, next uint64, ok bool) {
	i := rs.seek(seq)
	switch {
	case i == len(rs):
		return ref{}, 0, false
	case seq < rs[i].first:
		return ref{}, rs[i].first, false
	}
	return rs[i].refs[seq-rs[i].first], 0, true
}

// first is the lowest that is held, or zero.
func (rs runs) first() uint64 {
	if len(rs) == 0 {
		return 0
	}
	return rs[0].first
}

// add says where seq is, which was not held.
func (rs *runs) add(seq uint64, r ref) {
	i := rs.seek(seq)
	if i > 0 && (*rs)[i-1].end() == seq {
		(*rs)[i-1].refs = append((*rs)[i-1].refs, r)
		return
	}
	*rs = slices.Insert(*rs, i, run{seq, []ref{r}})
}

// removeFirst forgets seq, which is the first of its run: within a run, messages arrived in order.
func (rs *runs) removeFirst(seq uint64) {
	i := rs.seek(seq)
	r := &(*rs)[i]
	if r.first != seq {
		panic("plumtree: evicted a message from the middle of a run")
	}
	r.refs[0] = ref{} // or the chunk would live as long as the array
	r.refs = r.refs[1:]
	if r.first++; len(r.refs) == 0 {
		*rs = slices.Delete(*rs, i, i+1)
	}
}

// since returns the first message from seq on, within seq's run, that was published at since or later,
// or the end of the run. Within an origin, later messages were published later.
func (rs runs) since(seq uint64, since instant) uint64 {
	r := &rs[rs.seek(seq)]
	refs := r.refs[seq-r.first:]
	return seq + uint64(sort.Search(len(refs), func(i int) bool { return refs[i].entry().published >= since }))
}
