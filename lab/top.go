package main

import (
	"context"

	"hearsay/lab/top"
)

// topCmd watches the lab in the terminal.
type topCmd struct {
	remote
}

// Run prints the table once where nobody sits at a terminal.
func (c *topCmd) Run(ctx context.Context, s streams) error {
	l, err := c.dial()
	if err != nil {
		return err
	}
	if !c.JSON && isTerminal(s.in) && isTerminal(s.out) {
		if err := top.Run(ctx, l, s.in, s.out); err != nil {
			return asked(err)
		}
		return nil
	}
	st, err := l.Status(ctx)
	if err != nil {
		return asked(err)
	}
	return c.print(s, st, statusText(st), true)
}
