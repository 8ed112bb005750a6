package main

import "context"

// downCmd ends a lab.
type downCmd struct{ remote }

func (c *downCmd) Run(ctx context.Context, s streams) error {
	l, err := c.dial()
	if err != nil {
		return err
	}
	if err := l.Down(ctx); err != nil {
		return asked(err)
	}
	return c.print(s, map[string]bool{"ok": true}, "the lab at "+l.URL()+" has ended", true)
}
