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
	refs  deque
}

func (r *run) end() uint64 { return r.first + uint64(r.refs.len()) }

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
	return *rs[i].refs.at(int(seq - rs[i].first)), 0, true
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
		(*rs)[i-1].refs.push(r)
		return
	}
	*rs = slices.Insert(*rs, i, run{first: seq})
	(*rs)[i].refs.push(r)
}

// removeFirst forgets seq, which is the first of its run: within a run, messages arrived in order.
func (rs *runs) removeFirst(seq uint64) {
	i := rs.seek(seq)
	r := &(*rs)[i]
	if r.first != seq {
		panic("plumtree: evicted a message from the middle of a run")
	}
	r.refs.pop()
	if r.first++; r.refs.len() == 0 {
		*rs = slices.Delete(*rs, i, i+1)
	}
}

// since returns the first message from seq on, within seq's run, that was published at since or later,
// or the end of the run. Within an origin, later messages were published later.
func (rs runs) since(seq uint64, since instant) uint64 {
	r := &rs[rs.seek(seq)]
	skip := int(seq - r.first)
	return seq + uint64(sort.Search(r.refs.len()-skip, func(i int) bool { return r.refs.at(skip+i).entry().published >= since }))
}
