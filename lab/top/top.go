// Package top is the lab in a terminal: who there is, how they are linked, and keys that break and mend.
package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hearsay/lab/control"
)

const (
	// every is how often the lab is asked. It answers in a millisecond.
	every = 300 * time.Millisecond
	// maxSaid is how many of the last outcomes are shown.
	maxSaid = 6
	// maxText is how much of a message can be typed.
	maxText = 400
)

// Lab is what is needed of a control.Client.
type Lab interface {
	Status(ctx context.Context) (*control.Status, error)
	Send(ctx context.Context, q control.SendRequest) (*control.Sent, error)
	Fault(ctx context.Context, q control.FaultRequest) (*control.Outcome, error)
}

// Run shows the lab until the person leaves, or ctx ends.
func Run(ctx context.Context, lab Lab, in io.Reader, out io.Writer) error {
	st, err := lab.Status(ctx)
	if err != nil {
		return err
	}
	p := tea.NewProgram(newModel(ctx, lab, st), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	if _, err := p.Run(); err != nil && !errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrInterrupted) {
		return err
	}
	return nil
}

// model is what is shown.
type model struct {
	ctx    context.Context
	lab    Lab
	status *control.Status
	err    error // why the lab does not answer
	chosen int   // a peer's number
	typing bool
	text   []rune
	help   bool
	said   []string // the newest last
	width  int
	height int
}

func newModel(ctx context.Context, lab Lab, st *control.Status) *model {
	m := &model{ctx: ctx, lab: lab, status: st, width: 80, height: 24}
	if len(st.Peers) > 0 {
		m.chosen = st.Peers[0].Number
	}
	return m
}

// The messages of the program.
type (
	looked struct {
		status *control.Status
		err    error
	}
	told string
	tick struct{}
)

// Init begins to look.
func (m *model) Init() tea.Cmd { return m.look }

func (m *model) look() tea.Msg {
	st, err := m.lab.Status(m.ctx)
	return looked{st, err}
}

// Update takes what was seen, and what was typed.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case looked:
		if m.err = msg.err; msg.err == nil {
			m.status = msg.status
		}
		return m, tea.Tick(every, func(time.Time) tea.Msg { return tick{} })
	case tick:
		return m, m.look
	case told:
		m.say(string(msg))
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if m.typing {
			return m, m.typed(msg)
		}
		return m, m.key(msg.String())
	}
	return m, nil
}

func (m *model) say(text string) {
	m.said = append(m.said, text)
	if len(m.said) > maxSaid {
		m.said = m.said[1:]
	}
}

// key does what a key means.
func (m *model) key(key string) tea.Cmd {
	switch key {
	case "q", "ctrl+c", "esc":
		return tea.Quit
	case "?":
		m.help = !m.help
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "m", "enter":
		m.typing, m.text = true, nil
	case "x":
		return m.fault(control.FaultRequest{Fault: "kill", Peers: m.name()})
	case "s":
		if p := m.peer(); p != nil && !p.Alive {
			return m.fault(control.FaultRequest{Fault: "start", Peers: m.name()})
		}
		return m.fault(control.FaultRequest{Fault: "stop", Peers: m.name()})
	case "r":
		return m.fault(control.FaultRequest{Fault: "restart", Peers: m.name()})
	case "p", "space":
		if p := m.peer(); p != nil && p.Paused {
			return m.fault(control.FaultRequest{Fault: "resume", Peers: m.name()})
		}
		return m.fault(control.FaultRequest{Fault: "pause", Peers: m.name()})
	case "i":
		return m.fault(control.FaultRequest{Fault: "isolate", Peers: m.name()})
	case "c":
		return m.fault(control.FaultRequest{Fault: "partition", Groups: "half"})
	case "h":
		return m.fault(control.FaultRequest{Fault: "heal"})
	case "+", "-":
		n := m.status.Figures.Peers + 1
		if key == "-" {
			n -= 2
		}
		return m.fault(control.FaultRequest{Fault: "scale", Count: n})
	}
	return nil
}

// typed takes a key of a message.
func (m *model) typed(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "ctrl+c":
		m.typing = false
	case "enter":
		m.typing = false
		if text := string(m.text); text != "" {
			from := m.name()
			return func() tea.Msg {
				sent, err := m.lab.Send(m.ctx, control.SendRequest{From: from, Text: text})
				if err != nil {
					return told(err.Error())
				}
				return told(sent.Text)
			}
		}
	case "backspace":
		m.text = m.text[:max(0, len(m.text)-1)]
	default:
		if r := []rune(msg.Key().Text); len(m.text)+len(r) <= maxText {
			m.text = append(m.text, r...)
		}
	}
	return nil
}

// fault has the lab do something, and waits for how the mesh takes it, while all else goes on.
func (m *model) fault(q control.FaultRequest) tea.Cmd {
	q.Wait = true
	return func() tea.Msg {
		o, err := m.lab.Fault(m.ctx, q)
		if err != nil {
			return told(err.Error())
		}
		return told(o.Text)
	}
}

func (m *model) index() int {
	for i := range m.status.Peers {
		if m.status.Peers[i].Number == m.chosen {
			return i
		}
	}
	return 0
}

func (m *model) move(by int) {
	if n := len(m.status.Peers); n > 0 {
		m.chosen = m.status.Peers[min(n-1, max(0, m.index()+by))].Number
	}
}

func (m *model) peer() *control.PeerInfo {
	if len(m.status.Peers) == 0 {
		return nil
	}
	return &m.status.Peers[m.index()]
}

func (m *model) name() string { return fmt.Sprint(m.chosen) }

// clean keeps names and texts from driving the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}
