package report

import (
	"strconv"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/scenario"
)

// links are the links that peers had, each end by itself.
type links struct {
	all  []link
	open map[linkKey]int // in all
}

// link is one peer's end of a link.
type link struct {
	peer, run int
	far       string // its ID
	dir       string
	up, down  time.Duration // down is negative while it lives
	reason    string
}

type linkKey struct {
	peer, run int
	far       string
}

func newLinks() links { return links{open: map[linkKey]int{}} }

func (l *links) event(e *fleet.Event, at time.Duration) {
	k := linkKey{e.Peer, e.Run, e.Far}
	switch e.Kind {
	case fleet.LinkUp:
		l.end(k, at, "replaced")
		if len(l.all) < maxLinks {
			l.open[k] = len(l.all)
			l.all = append(l.all, link{e.Peer, e.Run, e.Far, e.Reason, at, -1, ""})
		}
	case fleet.LinkDown:
		l.end(k, at, e.Reason)
	case fleet.Ended:
		for k := range l.open {
			if k.peer == e.Peer && k.run == e.Run {
				l.end(k, at, "ended")
			}
		}
	}
}

func (l *links) end(k linkKey, at time.Duration, why string) {
	if i, ok := l.open[k]; ok {
		l.all[i].down, l.all[i].reason = at, why
		delete(l.open, k)
	}
}

var linkHead = []string{"peer", "run", "far", "far_id", "dir", "up_ms", "down_ms", "reason"}

// rows are links.csv. The far peers' names are those of the runs that had these IDs.
func (l *links) rows(lives []scenario.Life) (rows [][]string) {
	names := map[string]string{}
	for _, p := range lives {
		names[p.ID] = "peer-" + strconv.Itoa(p.Peer)
	}
	for _, k := range l.all {
		down := ""
		if k.down >= 0 {
			down = number(ms(k.down))
		}
		rows = append(rows, []string{"peer-" + strconv.Itoa(k.peer), strconv.Itoa(k.run), names[k.far], k.far, k.dir, number(ms(k.up)), down, k.reason})
	}
	return rows
}
