package top

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/watch"
)

// fakeLab notes what it is asked for.
type fakeLab struct {
	status control.Status
	asked  []string
	fail   error
}

func (f *fakeLab) Status(context.Context) (*control.Status, error) { return &f.status, f.fail }

func (f *fakeLab) Send(_ context.Context, q control.SendRequest) (*control.Sent, error) {
	f.asked = append(f.asked, "send "+q.From+" "+q.Text)
	return &control.Sent{Text: "everybody has it"}, nil
}

func (f *fakeLab) Fault(_ context.Context, q control.FaultRequest) (*control.Outcome, error) {
	f.asked = append(f.asked, strings.TrimSpace(fmt.Sprintf("%s %s%s %v", q.Fault, q.Peers, q.Groups, q.Count)))
	return &control.Outcome{Text: "it is done"}, f.fail
}

func newFake(n int) (*fakeLab, *model) {
	f := &fakeLab{}
	for i := 1; i <= n; i++ {
		f.status.Peers = append(f.status.Peers, control.PeerInfo{Peer: fleet.Peer{Number: i, Name: fmt.Sprintf("peer-%d", i), ID: "abcdef", Addr: "127.0.0.1:49152", Alive: true}, Part: 1})
	}
	f.status.Figures = watch.Figures{Peers: n, Parts: 1, Meshed: true, RMR: -1, HealedMS: 4.2}
	return f, newModel(context.Background(), f, &f.status)
}

// press presses keys, and lets what they cause happen.
func press(m *model, keys ...string) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{Text: k, Code: []rune(k)[0]}
		if code, ok := map[string]rune{"enter": tea.KeyEnter, "down": tea.KeyDown, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace}[k]; ok {
			msg = tea.KeyPressMsg{Code: code}
		}
		if _, cmd := m.Update(msg); cmd != nil {
			m.Update(cmd())
		}
	}
}

func TestKeys(t *testing.T) {
	f, m := newFake(3)
	f.status.Peers[2].Alive = false
	press(m, "x", "down", "p", "i", "c", "h", "+", "-", "r", "s", "down", "down", "s")
	f.status.Peers[1].Paused = true
	press(m, "k", "p", "m", "h", "i", "j", "backspace", "enter", "m", "x", "esc")
	want := []string{
		"kill 1 0", "pause 2 0", "isolate 2 0", "partition half 0", "heal  0", "scale  4", "scale  2", "restart 2 0", "stop 2 0", "start 3 0",
		"resume 2 0", "send 2 hi",
	}
	if !slices.Equal(f.asked, want) {
		t.Errorf("asked for %q, want %q", f.asked, want)
	}
	if view := m.render(); !strings.Contains(view, "everybody has it") {
		t.Errorf("how the message fared is not shown:\n%s", view)
	}
	if len(m.said) != maxSaid {
		t.Errorf("%d outcomes are kept, want %d", len(m.said), maxSaid)
	}
}

// That the parts of a cut mesh are whole is not that the mesh is.
func TestSummaryOfACut(t *testing.T) {
	f, _ := newFake(4)
	if s := Summary(&f.status); !strings.Contains(s, "1 part · meshed") || !strings.Contains(s, "healed in 4.2 ms") {
		t.Errorf("whole: %s", s)
	}
	f.status.Figures.Parts, f.status.Cut = 2, [][]int{{1, 2}, {3, 4}}
	if s := Summary(&f.status); !strings.Contains(s, "2 parts · each side meshed · cut 1,2/3,4") || !strings.Contains(s, "each side whole in 4.2 ms") || strings.Contains(s, "healed") {
		t.Errorf("cut: %s", s)
	}
}

func TestView(t *testing.T) {
	f, m := newFake(40)
	f.status.Peers[0].Name = "evil\x1b[31m"
	f.status.Links = []watch.Link{{From: 1, To: 2, State: watch.LinkWhole, Eager: true}, {From: 3, To: 1, State: watch.LinkWhole}, {From: 1, To: 4, State: watch.LinkHalf, Has: [2]bool{true, false}}}
	m.Update(tea.WindowSizeMsg{Width: 60, Height: 24})
	view := m.render()
	lines := strings.Split(view, "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines on a terminal of 24", len(lines))
	}
	if !strings.Contains(view, ">2 (3 ?4") || !strings.Contains(view, "meshed") || strings.Contains(view, "[31m\x1b") || strings.Contains(view, "evil\x1b") {
		t.Errorf("got\n%s", view)
	}
	if got := neighbors(f.status.Links, 4); got != "" {
		t.Errorf("peer-4 has no link, and is shown with %s", got)
	}
	press(m, slices.Repeat([]string{"down"}, 50)...)
	if view := m.render(); !strings.Contains(view, "peer-40") || strings.Contains(view, "peer-2 ") {
		t.Errorf("the chosen one is not in view:\n%s", view)
	}
	m.Update(looked{nil, errors.New("the lab does not answer")})
	if view := m.render(); !strings.Contains(view, "does not answer") || !strings.Contains(view, "peer-40") {
		t.Errorf("a lab that has gone:\n%s", view)
	}
}
