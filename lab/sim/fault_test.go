package sim

import (
	"testing"
	"time"
)

// A connection that is made while the network is slow is slow for as long as the network is, and no slower.
func TestAConnectionIsNoSlowerThanItsNetwork(t *testing.T) {
	const delay = 300 * time.Millisecond
	w := New(Config{})
	a, b := w.Add(Options{}), w.Add(Options{})
	w.Spoil(a, b, Spoiling{Delay: delay})
	w.Spoil(b, a, Spoiling{Delay: delay})
	a.Start()
	b.Start()
	hears := func() time.Duration {
		t.Helper()
		began, before := w.Now(), w.Ledger.Delivered
		if _, err := a.Publish([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if w.Until(5*time.Second, time.Millisecond, func() bool { return w.Ledger.Delivered > before }) < 0 {
			t.Fatal("nobody has heard it")
		}
		return w.Now() - began
	}
	if w.Until(20*time.Second, time.Millisecond, func() bool { return w.Meshed() == "" }) < 0 {
		t.Fatal("they do not meet")
	}
	if took := hears(); took < delay || took > delay+10*time.Millisecond {
		t.Errorf("with a delay of %v a message takes %v", delay, took)
	}
	w.Heal()
	w.Run(time.Second)
	if took := hears(); took > 10*time.Millisecond {
		t.Errorf("with none it takes %v", took)
	}
}
