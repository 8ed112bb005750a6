package graph

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"
)

// mesh has two parts, one who has ended, and one who is paused.
func mesh() *Graph {
	return &Graph{
		Title: `two "parts"`,
		Nodes: []Node{
			{Number: 1, Name: "peer-1", Alive: true, Part: 1, Root: true}, {Number: 2, Name: "peer-2", Alive: true, Part: 1},
			{Number: 3, Name: "peer-3", Alive: true, Part: 1}, {Number: 4, Name: "peer-4", Alive: true, Part: 2, Siphoner: true},
			{Number: 5, Name: "peer-5", Alive: true, Paused: true}, {Number: 6, Name: `pe"er\6`},
		},
		Edges: []Edge{{From: 1, To: 2, Eager: true}, {From: 3, To: 1}, {From: 2, To: 5, Half: true}},
	}
}

func TestText(t *testing.T) {
	const want = `        1 2 3 4 5 6
peer-1  \ > ( . . .   root
peer-2  < \ . . ? .
peer-3  ) . \ . . .
peer-4  . . . \ . .   siphoner
peer-5  . ? . . \ .   paused
pe"er\6 . . . . . \   ended
`
	if got, _, _ := strings.Cut(mesh().Text(), "> dialled"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDOT(t *testing.T) {
	got := string(mesh().DOT())
	for _, want := range []string{`label="two \"parts\""`, `6 [label="pe\"er\\6", style=dashed`, "1 -> 2 [style=solid]", "3 -> 1 [style=dashed]", "2 -> 5 [style=dotted]", "doublecircle"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// Nobody stands on another's place, whatever the parts are, and all stand inside.
func TestLayout(t *testing.T) {
	for _, sizes := range [][]int{{1}, {2}, {6}, {3, 3}, {200}, {50, 1, 1, 1}, {0, 30}, {4, 0, 7}} {
		var g Graph
		for part, size := range sizes {
			for range size {
				g.Nodes = append(g.Nodes, Node{Number: len(g.Nodes) + 1, Alive: part != 1, Part: part + 1})
			}
		}
		places, w, h := g.layout()
		if len(places) != len(g.Nodes) {
			t.Errorf("%v: %d places", sizes, len(places))
		}
		for a, p := range places {
			if p.x < 0.4 || p.y < 0.4 || p.x > w-0.4 || p.y > h-0.4 {
				t.Errorf("%v: %d stands at %v, outside of %g by %g", sizes, a, p, w, h)
			}
			for b, q := range places {
				if a < b && math.Hypot(p.x-q.x, p.y-q.y) < 0.9 {
					t.Errorf("%v: %d and %d are too near: %v and %v", sizes, a, b, p, q)
				}
			}
		}
	}
}

func TestPictures(t *testing.T) {
	for _, g := range []*Graph{mesh(), {Title: "nobody"}} {
		data, err := g.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
		svg, err := g.SVG()
		if err != nil || !bytes.Contains(svg, []byte("<svg")) {
			t.Errorf("no SVG: %v", err)
		}
	}
}
