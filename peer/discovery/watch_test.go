package discovery

import (
	"testing"
	"time"
)

func TestDeaf(t *testing.T) {
	p := &member{patience: deafAfter}
	if p.deaf(time.Hour) {
		t.Error("deaf though nothing was sent")
	}
	p.sentAt(1)
	if p.deaf(1 + deafAfter) {
		t.Error("deaf too soon")
	}
	if !p.deaf(2 + deafAfter) {
		t.Error("not deaf though nothing was heard")
	}
	p.sentAt(deafAfter)
	if !p.deaf(2 + deafAfter) {
		t.Error("a second announcement made it forget the first")
	}
	p.heard()
	if p.deaf(time.Hour) {
		t.Error("deaf though nothing was sent since it heard")
	}
}

// Where we are never heard, or a network is too busy to hear itself, joining again must not make us
// announce, and not be heard, and announce again.
func TestMendingIsQuiet(t *testing.T) {
	m := open(t, Config{Group: someGroup(), Interfaces: []string{loopback(t)}, Rescan: time.Hour})
	p := m.joined()[0]
	if m.mend(p, time.Second) {
		t.Error("told of a loss where nothing was ever heard")
	}
	p.heard()
	for _, test := range []struct {
		now  time.Duration
		want bool
	}{
		{2 * time.Second, true},
		{4 * time.Second, false},
		{deafMax, false},
		{deafMax + 2*time.Second, true},
		{deafMax + 3*time.Second, false},
	} {
		if got := m.mend(p, test.now); got != test.want {
			t.Errorf("at %v: told %v", test.now, got)
		}
	}
}

// The reader often hears an announcement before Send has returned. That is no reason to wait for it.
func TestWhatIsHeardIsNotAwaited(t *testing.T) {
	m := open(t, Config{Group: someGroup(), Interfaces: []string{loopback(t)}, Rescan: time.Hour})
	for i := range 500 {
		send(t, m, "hello")
		next(t, m)
		if m.joined()[0].awaited.Load() != 0 {
			t.Fatalf("announcement %d was heard and is awaited all the same", i)
		}
	}
}
