package node

import (
	"testing"
	"time"
)

func TestRation(t *testing.T) {
	var r ration
	now := time.Unix(1e9, 0)
	logged := 0
	for range 100 {
		if ok, left := r.take(now); ok {
			logged++
			if left != 0 {
				t.Fatalf("%d left out before anything was", left)
			}
		}
	}
	if logged != rationSize {
		t.Errorf("%d lines at once, want %d", logged, rationSize)
	}
	if ok, _ := r.take(now.Add(rationFor - 1)); ok {
		t.Error("one more before its time")
	}
	if ok, left := r.take(now.Add(rationFor)); !ok || left != 101-rationSize {
		t.Errorf("then: %v, with %d left out, want %d", ok, left, 101-rationSize)
	}
	if ok, left := r.take(now.Add(rationFor)); !ok || left != 0 {
		t.Errorf("and the next: %v, with %d left out", ok, left)
	}
}
