package integration_test

import (
	"fmt"
	"testing"
	"time"
)

// Six people paste 200 lines each, all at the same moment:
//
//	"…" ─► peer-1 ─┬─ mesh ─┬─ peer-4 ◄─ "…"
//	"…" ─► peer-2 ─┤        ├─ peer-5 ◄─ "…"
//	"…" ─► peer-3 ─┘        └─ peer-6 ◄─ "…"
//
// Each line is heard by the other five once, and each person's lines in the order in which they were typed.
func TestEveryoneTalks(t *testing.T) {
	const lines = 200
	m := newMesh(t)
	peers := m.grow(6)
	m.awaitMeshed(10 * time.Second)
	must(t, "type", each(peers, func(p *Peer) error {
		for i := range lines {
			if err := p.typeLine(fmt.Sprintf("line %d, all at once", i+1)); err != nil {
				return err
			}
		}
		return nil
	}))
	t.Logf("%d lines were heard by all %v after the last was typed", lines*len(peers), m.awaitHeard(20*time.Second))
	if v := m.ledger.Check(); v.Owed != lines*6*5 {
		t.Errorf("the ledger has %d deliveries owed, and %d were expected", v.Owed, lines*6*5)
	}
}
