package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hearsay/lab/report"
)

// reportCmd makes a run's page anew.
type reportCmd struct {
	Folder string `arg:"" help:"A folder that lab run made."`
	JSON   bool   `help:"The verdict as one JSON object on standard output."`
}

// Run makes the page, and tells how the run came out. That it did not come out as expected is no failure of this.
func (c *reportCmd) Run(s streams) error {
	d, err := report.Build(c.Folder)
	if err != nil {
		return misused(err)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(&d.Verdict)
	}
	fmt.Fprint(s.out, d.Summary())
	fmt.Fprintf(s.out, "Page: %s\n", filepath.Join(c.Folder, "report.html"))
	return nil
}

// compareCmd puts two runs side by side.
type compareCmd struct {
	A    string `arg:"" help:"A folder that lab run made."`
	B    string `arg:"" help:"Another one."`
	JSON bool   `help:"One JSON object on standard output."`
	Out  string `help:"Write a page with the pictures of both, too." placeholder:"FILE.html"`
}

// Run tells what differs. It fails if something came true in A and does not in B.
func (c *compareCmd) Run(s streams) error {
	a, errA := report.Load(c.A)
	b, errB := report.Load(c.B)
	if err := errors.Join(errA, errB); err != nil {
		return misused(err)
	}
	both := report.Comparison{A: a, B: b}
	tell := both.Text
	if c.JSON {
		tell = func(w io.Writer) error { return json.NewEncoder(w).Encode(both.Object()) }
	}
	if err := tell(s.out); err != nil {
		return failed(err)
	}
	if c.Out != "" {
		if err := writeFile(c.Out, both.Page); err != nil {
			return misused(fmt.Errorf("--out: %w", err))
		}
		if !c.JSON {
			fmt.Fprintf(s.out, "Page: %s\n", c.Out)
		}
	}
	if both.Worse() {
		return failed(errors.New("B is worse than A"))
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
