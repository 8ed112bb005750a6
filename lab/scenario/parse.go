package scenario

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hearsay/lab/quantity"
)

// Load reads and checks a file.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, b)
}

// Parse reads and checks a scenario. The error has a line for each complaint, FILE:LINE: what; remedy.
func Parse(file string, source []byte) (*Scenario, error) {
	if len(source) > maxFile {
		return nil, fmt.Errorf("%s:1: the file has more than %d bytes; a scenario is a page at most", file, maxFile)
	}
	s := &Scenario{File: file, Source: source, Options: map[string]string{}}
	r := &reader{file: file}
	root, err := document(source)
	if err != nil {
		line, what := place(err)
		r.fail(line, what, "a scenario is YAML: name, peers, options, steps, expect")
		return nil, r.err()
	}
	s.read(r, root)
	if len(r.errs) == 0 {
		// What does not fit together is only told of a file that could be read.
		s.check(r, root.Line)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// document is the one document of a file.
func document(source []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(strings.NewReader(string(source)))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, errors.New("yaml: line 1: the file is empty")
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		if err == nil {
			err = fmt.Errorf("yaml: line %d: there is a second document", more.Line)
		}
		return nil, err
	}
	return doc.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// place finds the line in an error of package yaml.
func place(err error) (line int, what string) {
	m := yamlError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return 1, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	return max(1, line), m[2]
}

func (s *Scenario) read(r *reader, root *yaml.Node) {
	had := map[string]bool{}
	note := func(name string, read func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) { had[name] = true; read(n) }
	}
	r.mapping(root, "a scenario", fields{
		"name":    note("name", func(n *yaml.Node) { s.Name = r.text(n, "name") }),
		"peers":   note("peers", func(n *yaml.Node) { s.Peers = r.whole(n, "peers", 2, maxPeers) }),
		"options": func(n *yaml.Node) { s.readOptions(r, n) },
		"steps":   note("steps", func(n *yaml.Node) { r.list(n, "steps", func(e *yaml.Node) { s.readStep(r, e) }) }),
		"expect":  note("expect", func(n *yaml.Node) { r.list(n, "expect", func(e *yaml.Node) { s.readExpectation(r, e) }) }),
	})
	for _, name := range []string{"name", "peers", "steps", "expect"} {
		if !had[name] && root.Kind == yaml.MappingNode {
			r.fail(root.Line, "the scenario has no "+name, "it has: name, peers, steps, expect, and options if you like")
		}
	}
}

// options are the flags of peers that a scenario can set: those that mean the same on every engine.
var options = map[string]func(r *reader, n *yaml.Node){
	"links":        func(r *reader, n *yaml.Node) { r.whole(n, "links", 1, 255) },
	"serve":        func(r *reader, n *yaml.Node) { r.whole(n, "serve", 1, 255) },
	"retain":       func(r *reader, n *yaml.Node) { r.duration(n, "retain") },
	"retain-bytes": func(r *reader, n *yaml.Node) { r.amount(n, "retain-bytes", new(quantity.Bytes)) },
}

func (s *Scenario) readOptions(r *reader, n *yaml.Node) {
	f := fields{}
	for name, read := range options {
		f[name] = func(n *yaml.Node) { read(r, n); s.Options[name] = n.Value }
	}
	r.mapping(n, "options", f)
}

// one takes a list's entry apart: `- name` or `- name: value`. value is nil if there is none.
func (r *reader) one(n *yaml.Node, what, names string) (name string, value *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		return n.Value, nil
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Kind == yaml.ScalarNode:
		value = n.Content[1]
		if value.Kind == yaml.AliasNode || value.Anchor != "" {
			r.fail(value.Line, "anchors and aliases are not read", "write the value out")
			return "", nil
		}
		if value.Tag == "!!null" {
			value = nil
		}
		return n.Content[0].Value, value
	case n.Kind == yaml.MappingNode && len(n.Content) > 2:
		r.fail(n.Content[2].Line, fmt.Sprintf("%q is in the same entry as %q", n.Content[2].Value, n.Content[0].Value), "begin each %s with a hyphen of its own", what)
	default:
		r.fail(n.Line, "this is no "+what, "write one such as `- NAME: VALUE`; there are %s", names)
	}
	return "", nil
}

func (s *Scenario) readStep(r *reader, n *yaml.Node) {
	names := strings.Join(slices.Sorted(maps.Keys(stepReaders)), ", ")
	kind, value := r.one(n, "step", names)
	if kind == "" {
		return
	}
	read := stepReaders[kind]
	if read == nil {
		r.fail(n.Line, fmt.Sprintf("there is no step %q", kind), "there are %s", names)
		return
	}
	if value == nil {
		value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line}
	}
	before := len(r.errs)
	if a := read(r, value); len(r.errs) == before {
		s.Steps = append(s.Steps, Step{Kind: kind, Line: n.Line, action: a})
	}
}

func (s *Scenario) readExpectation(r *reader, n *yaml.Node) {
	names := strings.Join(slices.Sorted(maps.Keys(claimReaders)), ", ")
	kind, value := r.one(n, "expectation", names)
	if kind == "" {
		return
	}
	read := claimReaders[kind]
	if read == nil {
		r.fail(n.Line, fmt.Sprintf("no engine can check %q", kind), "what can be expected is %s", names)
		return
	}
	if value == nil {
		r.fail(n.Line, fmt.Sprintf("%s has no value", kind), "write one after the colon, such as %s", claimExamples[kind])
		return
	}
	before := len(r.errs)
	if c := read(r, value); len(r.errs) == before {
		s.Expect = append(s.Expect, Expectation{Kind: kind, Line: n.Line, claim: c})
	}
}
