package scenario

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
	"hearsay/lab/watch/live"
)

// clocked is a fleet whose time passes by itself, and whose engine is not the simulator by name: the run has its
// goroutines, as with processes. In a bubble of synctest its clock costs nothing.
type clocked struct {
	*live.Fleet
	publish func(peer int) error // nil: as it is
	hang    atomic.Int64         // publications that hung
}

func (c *clocked) Engine() string { return "clocked" }

func (c *clocked) Publish(ctx context.Context, peer int, text []byte) (fleet.Published, error) {
	if c.publish != nil {
		if err := c.publish(peer); err != nil {
			<-ctx.Done()
			c.hang.Add(1)
			return fleet.Published{}, err
		}
	}
	return c.Fleet.Publish(ctx, peer, text)
}

func newClocked(t *testing.T) *clocked {
	t.Helper()
	c, err := simfleet.Config(fleet.Config{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &clocked{Fleet: live.New(c, nil)}
}

// TestRealTime runs the story with goroutines.
func TestRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t)
		defer c.Close()
		sc, err := Parse("story.yaml", []byte(strings.Replace(story, "  - traced: {at-least: 100%}\n", "", 1)))
		if err != nil {
			t.Fatal(err)
		}
		events := 0
		res, err := Run(t.Context(), sc, c, Config{Seed: 1, Events: func(fleet.Event) { events++ }})
		if err != nil {
			t.Fatal(err)
		}
		if v := res.Verdict; !v.OK || v.Figures.Published < 100 || v.Figures.RMR < 0 || events == 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}

// TestCountedInRealTime is TestCounted with goroutines: the wait must not end between a message being due and being said.
func TestCountedInRealTime(t *testing.T) {
	for _, test := range counted {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClocked(t)
				defer c.Close()
				sc, err := Parse("counted.yaml", []byte(countedStory(test.steps)))
				if err != nil {
					t.Fatal(err)
				}
				res, err := Run(t.Context(), sc, c, Config{Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				if v := res.Verdict; !v.OK || v.Figures.Published != test.published || v.Figures.Delivered != 3*test.published {
					t.Errorf("want %d messages: %+v", test.published, v)
				}
			})
		})
	}
}

// TestPeerThatHangs wants one peer that does not take messages to silence nobody else, and not to hold up the end.
func TestPeerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t)
		defer c.Close()
		c.publish = func(peer int) error {
			if peer == 2 {
				return errors.New("timeout")
			}
			return nil
		}
		sc, err := Parse("hang.yaml", []byte(`
name: One does not answer
peers: 3
steps:
  - wait: meshed
  - send: {rate: 30/s}
  - sleep: 4s
  - stop: send
expect:
  - lost: 0
  - unexpected: 0
`))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		res, err := Run(t.Context(), sc, c, Config{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 4*time.Second+settleFor+time.Second {
			t.Errorf("the run took %v", took)
		}
		by := map[int]int{}
		for _, m := range res.Messages {
			if m.Accepted {
				by[m.Peer]++
			}
		}
		if by[1] < 38 || by[3] < 38 || by[2] > 0 || c.hang.Load() == 0 {
			t.Errorf("by peer so many were accepted: %v, and %d hung", by, c.hang.Load())
		}
		if !res.Verdict.OK {
			t.Errorf("what was of unknown fate, and nobody has, is held against the peers: %+v", res.Verdict.Expectations)
		}
	})
}

// TestInterruptedInRealTime wants the end to come at once.
func TestInterruptedInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocked(t)
		defer c.Close()
		sc, err := Parse("story.yaml", []byte(story))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		res, err := Run(ctx, sc, c, Config{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 3200*time.Millisecond || !res.Interrupted || res.Verdict.OK || len(res.Messages) < 40 {
			t.Errorf("after %v: %+v", took, res.Verdict)
		}
	})
}
