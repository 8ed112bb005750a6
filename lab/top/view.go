package top

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hearsay/lab/control"
	"hearsay/lab/watch"
)

const (
	bold    = "\x1b[1m"
	reverse = "\x1b[7m"
	dim     = "\x1b[2m"
	plain   = "\x1b[0m"
)

const keys = "↑↓ choose  x kill  s stop/start  r restart  p pause/resume  i isolate  c cut in half  h heal  +/- peers  m say  ? help  q quit"

const helpText = `LINKS are neighbors: > dialled, < was dialled, ) and ( where only announcements of messages go,
? where one end alone knows of it. What is done is told below, with how the mesh took it.`

// View draws everything.
func (m *model) View() tea.View {
	v := tea.NewView(m.render())
	v.AltScreen = true
	v.WindowTitle = "hearsay lab"
	return v
}

func (m *model) render() string {
	var b strings.Builder
	line := func(style, text string) { b.WriteString(style + fit(text, m.width) + plain + "\n") }
	line(bold, "hearsay lab "+m.status.Name+"  "+m.status.URL)
	for _, l := range wrap(Summary(m.status), m.width) {
		line("", l)
	}
	if m.err != nil {
		line(bold, m.err.Error())
	}
	line("", "")
	rows := Rows(m.status)
	line(dim, rows[0])
	for _, i := range m.window(len(m.status.Peers)) {
		style := ""
		switch p := &m.status.Peers[i]; {
		case p.Number == m.chosen:
			style = reverse
		case !p.Alive:
			style = dim
		}
		line(style, rows[i+1])
	}
	line("", "")
	for _, s := range m.said {
		for _, l := range wrap(clean(s), m.width) {
			line("", l)
		}
	}
	if m.typing {
		line(bold, "peer-"+m.name()+" says: "+string(m.text)+"▏")
	} else {
		for _, l := range wrap(keys, m.width) {
			line(dim, l)
		}
	}
	if m.help {
		for _, l := range strings.Split(helpText, "\n") {
			line("", l)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// window is which peers there is room for, the chosen one among them.
func (m *model) window(n int) (shown []int) {
	const others = 12 // lines around the table
	room := max(3, m.height-others-len(m.said))
	from := 0
	if n > room {
		from = min(max(0, m.index()-room/2), n-room)
	}
	for i := from; i < n && i < from+room; i++ {
		shown = append(shown, i)
	}
	return shown
}

// Rows is a table of the peers: a header, and a row for each.
func Rows(st *control.Status) []string {
	cells := [][]string{{"PEER", "STATE", "ID", "ADDRESS", "PART", "LINKS"}}
	for i := range st.Peers {
		p := &st.Peers[i]
		row := []string{clean(p.Name), State(p), p.ID[:min(4, len(p.ID))], "", "", ""}
		if p.Alive {
			row[3], row[5] = p.Addr, neighbors(st.Links, p.Number)
			if p.Part > 0 {
				row[4] = fmt.Sprint(p.Part)
			}
		}
		cells = append(cells, row)
	}
	wide := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, c := range row {
			wide[i] = max(wide[i], len([]rune(c)))
		}
	}
	rows := make([]string, len(cells))
	for i, row := range cells {
		var b strings.Builder
		for j, c := range row {
			b.WriteString(c + strings.Repeat(" ", wide[j]-len([]rune(c))+2))
		}
		rows[i] = strings.TrimRight(b.String(), " ")
	}
	return rows
}

// neighbors are a peer's links.
func neighbors(links []watch.Link, n int) string {
	var words []string
	for _, l := range links {
		if l.State != watch.LinkWhole && !(l.From == n && l.Has[0] || l.To == n && l.Has[1]) {
			continue // it has no such link: the far end has not noticed
		}
		far, sign := l.To, ")"
		switch {
		case l.From == n && l.Eager:
			sign = ">"
		case l.To == n && l.Eager:
			far, sign = l.From, "<"
		case l.To == n:
			far, sign = l.From, "("
		case l.From != n:
			continue
		}
		if l.State != watch.LinkWhole {
			sign = "?"
		}
		words = append(words, sign+fmt.Sprint(far))
	}
	return strings.Join(words, " ")
}

// State is how a peer is, in words.
func State(p *control.PeerInfo) string {
	word := "runs"
	switch {
	case !p.Alive:
		return "ended"
	case p.Paused:
		word = "paused"
	}
	if p.Root {
		word += ", root"
	}
	if p.Siphoner {
		word += ", siphoner"
	}
	return word
}

// fit cuts text to the width of the terminal.
func fit(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:max(0, width-1)]) + "…"
	}
	return text
}

// wrap breaks text into lines at its blanks.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
