package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"hearsay/lab/control"
)

// statusCmd says how the lab and its peers do.
type statusCmd struct {
	remote
}

func (c *statusCmd) Run(ctx context.Context, s streams) error {
	l, err := c.dial()
	if err != nil {
		return err
	}
	st, err := l.Status(ctx)
	if err != nil {
		return asked(err)
	}
	return c.print(s, st, statusText(st), true)
}

// statusText is a status for people: who there is, and in one line how the mesh is.
func statusText(st *control.Status) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "hearsay lab %s: %s, since %v, %s\n", st.Name, st.Engine, time.Since(st.Began).Round(time.Second), st.URL)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PEER\tSTATE\tID\tADDRESS\tOUT\tIN\tPART\t")
	for i := range st.Peers {
		fmt.Fprintln(w, peerRow(&st.Peers[i]))
	}
	w.Flush()
	b.WriteString(meshLine(st))
	return b.String()
}

func peerRow(p *control.PeerInfo) string {
	id := p.ID[:min(4, len(p.ID))]
	if !p.Alive {
		return fmt.Sprintf("%s\t%s\t%s\t\t\t\t\t", p.Name, stateOf(p), id)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t%d\t", p.Name, stateOf(p), id, p.Addr, p.Out, p.In, p.Part)
}

func stateOf(p *control.PeerInfo) string {
	var words []string
	switch {
	case !p.Alive:
		return "ended"
	case p.Paused:
		words = append(words, "paused")
	default:
		words = append(words, "runs")
	}
	if p.Root {
		words = append(words, "root")
	}
	if p.Siphoner {
		words = append(words, "siphoner")
	}
	return strings.Join(words, ", ")
}

// meshLine is the mesh in one line.
func meshLine(st *control.Status) string {
	f := &st.Figures
	parts := []string{plural(f.Peers, "peer"), plural(f.Links, "link"), plural(f.Parts, "part")}
	if f.Meshed {
		parts = append(parts, "meshed")
	} else {
		parts = append(parts, "not meshed: "+f.Why)
	}
	if len(st.Cut) > 0 {
		var groups []string
		for _, g := range st.Cut {
			groups = append(groups, strings.Trim(strings.ReplaceAll(fmt.Sprint(g), " ", ","), "[]"))
		}
		parts = append(parts, "cut "+strings.Join(groups, "/"))
	}
	if st.Churn != "" {
		parts = append(parts, st.Churn)
	}
	if m := st.Last; m != nil {
		parts = append(parts, fmt.Sprintf("last message %d/%d in %s", m.Heard, m.Owed, millisText(m.Took)))
	}
	if f.RMR >= 0 {
		parts = append(parts, fmt.Sprintf("%.2f copies", 1+f.RMR))
	}
	if f.HealedMS >= 0 {
		parts = append(parts, "healed in "+millisText(f.HealedMS))
	}
	return strings.Join(parts, " · ")
}

// millisText is a time for people: 0.3 ms, 12 ms, 3.1 s.
func millisText(ms float64) string {
	switch {
	case ms < 0:
		return "?"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}
