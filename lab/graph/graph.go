// Package graph draws who is linked to whom: as text for a terminal, as DOT for Graphviz, and as SVG and PNG without it.
package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Node is a peer.
type Node struct {
	Number   int
	Name     string
	Alive    bool
	Paused   bool
	Root     bool
	Siphoner bool
	Part     int // those of one number can reach each other; 0 is none
}

// Edge is a link. From dialled.
type Edge struct {
	From, To int
	Eager    bool // payload goes over it, and not only announcements
	Half     bool // only one end knows of it: it is dying, or new
}

// Graph is a mesh. Its nodes are in the order of their numbers.
type Graph struct {
	Title string
	Nodes []Node
	Edges []Edge
}

// DOT is the graph for Graphviz.
func (g *Graph) DOT() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph mesh {\n\tlabel=%s;\n\tlayout=neato; overlap=false; node [shape=circle, fontname=sans];\n", quote(g.Title))
	for _, n := range g.Nodes {
		var more string
		switch {
		case !n.Alive:
			more = ", style=dashed, color=gray, fontcolor=gray"
		case n.Paused:
			more = ", style=dashed"
		case n.Root:
			more = ", shape=doublecircle"
		case n.Siphoner:
			more = ", shape=diamond"
		}
		fmt.Fprintf(&b, "\t%d [label=%s%s];\n", n.Number, quote(n.Name), more)
	}
	for _, e := range g.Edges {
		style := "dashed"
		if e.Eager {
			style = "solid"
		}
		if e.Half {
			style = "dotted"
		}
		fmt.Fprintf(&b, "\t%d -> %d [style=%s];\n", e.From, e.To, style)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// quote is a string of DOT's, in which only the quote and the backslash are special.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(s) + `"`
}

// Text is the graph as a table: a row for each peer, and in it how it is linked with each other.
func (g *Graph) Text() string {
	var b strings.Builder
	wide, name := 2, 4
	for _, n := range g.Nodes {
		wide = max(wide, len(fmt.Sprint(n.Number))+1)
		name = max(name, len(n.Name))
	}
	fmt.Fprintf(&b, "%-*s", name, "")
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%*d", wide, n.Number)
	}
	b.WriteByte('\n')
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%-*s", name, n.Name)
		for _, far := range g.Nodes {
			b.WriteString(strings.Repeat(" ", wide-1) + g.sign(n, far))
		}
		b.WriteString(note(n) + "\n")
	}
	b.WriteString("> dialled, < was dialled, and payload goes over it; ) and ( only announcements do; ? one end alone knows of it\n")
	return b.String()
}

// sign is how a peer is linked with another.
func (g *Graph) sign(n, far Node) string {
	i := slices.IndexFunc(g.Edges, func(e Edge) bool {
		return e.From == n.Number && e.To == far.Number || e.From == far.Number && e.To == n.Number
	})
	switch {
	case i < 0 && n.Number == far.Number:
		return "\\"
	case i < 0:
		return "."
	}
	e := g.Edges[i]
	switch out := e.From == n.Number; {
	case e.Half:
		return "?"
	case e.Eager && out:
		return ">"
	case e.Eager:
		return "<"
	case out:
		return ")"
	}
	return "("
}

func note(n Node) string {
	var words []string
	switch {
	case !n.Alive:
		words = append(words, "ended")
	case n.Paused:
		words = append(words, "paused")
	}
	if n.Root {
		words = append(words, "root")
	}
	if n.Siphoner {
		words = append(words, "siphoner")
	}
	if len(words) == 0 {
		return ""
	}
	return "   " + strings.Join(words, ", ")
}
