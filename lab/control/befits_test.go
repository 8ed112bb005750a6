package control_test

import (
	"slices"
	"testing"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

// TestResume has the engine's processes paused, and wants words for several to mean those whom it is about.
func TestResume(t *testing.T) {
	l := start(t, 3)
	if err := l.mesh.Fleet.Can(fleet.FaultPause); err != nil {
		t.Skip(err)
	}
	ctx := t.Context()
	fault := func(fault, peers, says string, befell ...int) {
		t.Helper()
		// Nobody is waited for who is to notice a pause: in the end there is nobody to.
		o, err := l.Client.Fault(ctx, control.FaultRequest{Fault: fault, Peers: peers, Wait: fault != "pause"})
		want(t, o, err, says)
		if err == nil && (!slices.Equal(o.Peers, befell) || o.Fault != fault) {
			t.Errorf("%s %s: %+v", fault, peers, o)
		}
	}
	refused := func(fault, peers, says string) {
		t.Helper()
		_, err := l.Client.Fault(ctx, control.FaultRequest{Fault: fault, Peers: peers})
		wantError(t, err, 2, says)
	}
	fault("pause", "3", "paused.", 3) // who may be the root
	refused("pause", "3", "peer-3 is paused already")
	refused("resume", "1", "peer-1 is not paused")
	refused("stop", "3", "peer-3 is paused and would not hear it")
	refused("restart", "all", "peer-3 is paused and would not hear it")
	_, err := l.Client.Fault(ctx, control.FaultRequest{Fault: "scale", Count: 2})
	wantError(t, err, 2, "peer-3 is paused and would not hear it")
	_, err = l.Client.Send(ctx, control.SendRequest{Text: "x", From: "3"})
	wantError(t, err, 2, "peer-3 is paused and cannot speak")
	fault("resume", "all", "peer-3 goes on", 3)
	fault("pause", "2", "paused.", 2)
	fault("pause", "all", "paused.", 1, 3)
	refused("pause", "all", "nobody")
	_, err = l.Client.Send(ctx, control.SendRequest{Text: "x"})
	wantError(t, err, 2, "everybody who lives is paused (lab resume all)")
	fault("resume", "all", "peer-1, peer-2, peer-3 go on", 1, 2, 3)
	fault("restart", "2", "restarted.", 2)
	o, err := l.Client.Fault(ctx, control.FaultRequest{Fault: "scale", Count: 2, Wait: true})
	want(t, o, err, "2 peers left: peer-3 stopped")
	if err == nil && o.Fault != "scale" {
		t.Errorf("it is called %q", o.Fault)
	}
}

// TestNobodyLeft has everybody killed: what can then be asked for is to start them, and all else is bad usage.
func TestNobodyLeft(t *testing.T) {
	l := start(t, 2)
	ctx := t.Context()
	if _, err := l.Client.Fault(ctx, control.FaultRequest{Fault: "kill", Peers: "1,2"}); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []string{"kill", "stop", "isolate", "pause"} {
		_, err := l.Client.Fault(ctx, control.FaultRequest{Fault: fault, Peers: "dead"})
		wantError(t, err, 2, "peer-1 has ended (start it again with: lab start 1)")
	}
	_, err := l.Client.Send(ctx, control.SendRequest{Text: "x"})
	wantError(t, err, 2, "nobody lives who could say it (lab start dead)")
	o, err := l.Client.Fault(ctx, control.FaultRequest{Fault: "start", Peers: "dead", Wait: true})
	want(t, o, err, "peer-1, peer-2 started.")
}

// TestExplainWaitsForSpans has everybody have a message of which no span has come yet.
func TestExplainWaitsForSpans(t *testing.T) {
	l := start(t, 4)
	for range 5 {
		sent, err := l.Client.Send(t.Context(), control.SendRequest{Text: "hello", NoWait: true})
		if err != nil {
			t.Fatal(err)
		}
		traced := false
		l.mesh.Watch.Until(t.Context(), func(m *watch.Model) bool {
			a, err := m.Account(sent.ID)
			traced = err == nil && a.Traced
			return err == nil && a.Heard == 3
		})
		begun := time.Now()
		a, err := l.Client.Explain(t.Context(), "last")
		if err != nil || !a.Traced || a.Heard != 3 {
			t.Errorf("%v after everybody had it, with its spans there: %t: %+v, %v", time.Since(begun), traced, a, err)
		}
	}
}
