package main

import (
	"context"
	"encoding/json"
	"strings"
)

// explainCmd tells who told whom, and who has not got a message and why. It ends with 1 if anybody misses it.
type explainCmd struct {
	remote
	Message []string `arg:"" optional:"" help:"The message: its id or the beginning of one, its trace id, its text, or last (the default)."`
}

// Help is what --help says beside the flags.
func (c *explainCmd) Help() string {
	return "Times are the peers' own, since the message was published. Eager is a message that was pushed at once; " +
		"grafted is one that had to be asked for after it was announced; catch-up is one that a new link brought. " +
		"The exit code is 1 if anybody misses it who is owed it."
}

func (c *explainCmd) Run(ctx context.Context, s streams) error {
	client, err := c.dial()
	if err != nil {
		return err
	}
	what := strings.Join(c.Message, " ")
	if what == "" {
		what = "last"
	}
	account, err := client.Explain(ctx, what)
	if err != nil {
		return asked(err)
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(account)
	} else {
		err = account.Write(s.out)
	}
	switch {
	case err != nil:
		return failed(err)
	case len(account.Missing) > 0:
		return failed(errQuiet)
	}
	return nil
}
