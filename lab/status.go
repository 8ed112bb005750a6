package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/top"
)

// statusCmd says how the lab and its peers do.
type statusCmd struct {
	remote
}

// Run asks and prints.
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
	return fmt.Sprintf("hearsay lab %s: %s, since %v, %s\n%s\n%s", st.Name, st.Engine, time.Since(st.Began).Round(time.Second), st.URL,
		strings.Join(top.Rows(st), "\n"), top.Summary(st))
}
