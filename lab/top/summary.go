package top

import (
	"fmt"
	"strings"

	"hearsay/lab/control"
)

// Summary is the mesh in one line.
func Summary(st *control.Status) string {
	f := &st.Figures
	parts := []string{plural(f.Peers, "peer"), plural(f.Links, "link"), plural(f.Parts, "part")}
	// Of a network that is cut no more can be wanted than that each side is whole.
	cut := f.Parts > 1 && len(st.Cut) > 1
	switch {
	case f.Meshed && cut:
		parts = append(parts, "each side meshed")
	case f.Meshed:
		parts = append(parts, "meshed")
	default:
		parts = append(parts, "not meshed: "+clean(f.Why))
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
		parts = append(parts, fmt.Sprintf("last message %d/%d in %s", m.Heard, m.Owed, Millis(m.Took)))
	}
	if f.Rate > 0 {
		parts = append(parts, fmt.Sprintf("%.1f messages/s", f.Rate))
	}
	if f.RMR >= 0 {
		parts = append(parts, fmt.Sprintf("%.2f copies", 1+f.RMR))
	}
	switch {
	case f.HealedMS < 0:
	case cut:
		parts = append(parts, "each side whole in "+Millis(f.HealedMS))
	default:
		parts = append(parts, "healed in "+Millis(f.HealedMS))
	}
	return strings.Join(parts, " · ")
}

// Millis is a time for people: 0.3 ms, 12 ms, 3.1 s.
func Millis(ms float64) string {
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

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
