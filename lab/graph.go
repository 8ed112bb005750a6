package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hearsay/lab/control"
	"hearsay/lab/graph"
	"hearsay/lab/watch"
)

// graphCmd draws who is linked to whom.
type graphCmd struct {
	Lab  string `help:"Name or port of the lab, where there are several." placeholder:"NAME" env:"HEARSAY_LAB"`
	DOT  bool   `name:"dot" xor:"form" help:"For Graphviz."`
	SVG  bool   `name:"svg" xor:"form" help:"As SVG."`
	PNG  bool   `name:"png" xor:"form" help:"As PNG."`
	JSON bool   `name:"json" xor:"form" help:"As one JSON object."`
	Out  string `short:"o" help:"Where to write it: a name that ends in .dot, .svg, .png or .json also says as what. Default: standard output." placeholder:"FILE"`
}

// Run draws a table unless told otherwise.
func (c *graphCmd) Run(ctx context.Context, s streams) error {
	form, err := c.form()
	if err != nil {
		return misused(err)
	}
	if form == "png" && c.Out == "" && isTerminal(s.out) {
		return misused(errors.New("a PNG is nothing for a terminal: write it to a file with -o mesh.png"))
	}
	r := remote{Lab: c.Lab}
	l, err := r.dial()
	if err != nil {
		return err
	}
	st, err := l.Status(ctx)
	if err != nil {
		return asked(err)
	}
	data, err := drawn(st, form)
	if err == nil && c.Out != "" {
		err = os.WriteFile(c.Out, data, 0o644)
	} else if err == nil {
		_, err = s.out.Write(data)
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// form is what the flags, or the file's name, ask for.
func (c *graphCmd) form() (string, error) {
	switch {
	case c.DOT:
		return "dot", nil
	case c.SVG:
		return "svg", nil
	case c.PNG:
		return "png", nil
	case c.JSON:
		return "json", nil
	case c.Out == "":
		return "text", nil
	}
	switch ext := strings.ToLower(filepath.Ext(c.Out)); ext {
	case ".dot", ".gv":
		return "dot", nil
	case ".svg", ".png", ".json":
		return ext[1:], nil
	case ".txt":
		return "text", nil
	}
	return "", fmt.Errorf("-o %s: say what it is to be, with --dot, --svg, --png or --json, or by a name that ends so", c.Out)
}

// drawing is the mesh for programs, in the words of a status.
type drawing struct {
	Peers []control.PeerInfo `json:"peers"`
	Links []watch.Link       `json:"links"`
	Parts [][]int            `json:"parts"`
	Cut   [][]int            `json:"cut"`
}

func drawn(st *control.Status, form string) ([]byte, error) {
	if form == "json" {
		data, err := json.Marshal(drawing{st.Peers, st.Links, st.Parts, st.Cut})
		return append(data, '\n'), err
	}
	g := graphOf(st)
	switch form {
	case "dot":
		return g.DOT(), nil
	case "svg":
		return g.SVG()
	case "png":
		return g.PNG()
	}
	return []byte(g.Text()), nil
}

// graphOf is the mesh of a status.
func graphOf(st *control.Status) *graph.Graph {
	f := &st.Figures
	g := &graph.Graph{Title: fmt.Sprintf("hearsay: %s, %s, %s", plural(f.Peers, "peer"), plural(f.Links, "link"), plural(f.Parts, "part"))}
	for i := range st.Peers {
		p := &st.Peers[i]
		g.Nodes = append(g.Nodes, graph.Node{
			Number: p.Number, Name: p.Name, Alive: p.Alive, Paused: p.Paused, Root: p.Root, Siphoner: p.Siphoner, Part: p.Part,
		})
	}
	for _, l := range st.Links {
		g.Edges = append(g.Edges, graph.Edge{From: l.From, To: l.To, Eager: l.Eager, Half: l.State != watch.LinkWhole})
	}
	return g
}
