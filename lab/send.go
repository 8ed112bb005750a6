package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"hearsay/lab/control"
	"hearsay/peer/wire"
)

// sendCmd has a peer say something, and tells how it fared.
type sendCmd struct {
	remote
	From string   `help:"Who says it. Default: peer-1, or the next that can." placeholder:"PEER"`
	Text []string `arg:"" help:"The text; - reads it from standard input."`
}

var errNotUTF8 = errors.New("the text is not UTF-8, which is what a lab shows and what its commands speak")

func (c *sendCmd) Run(ctx context.Context, s streams) error {
	text := strings.Join(c.Text, " ")
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(s.in, wire.MaxBody+1))
		if err != nil {
			return failed(err)
		}
		text = string(data)
	}
	if len(text) > wire.MaxBody {
		return misused(fmt.Errorf("the text is longer than %d bytes", wire.MaxBody))
	}
	if !utf8.ValidString(text) {
		return misused(errNotUTF8)
	}
	l, err := c.dial()
	if err != nil {
		return err
	}
	sent, err := l.Send(ctx, control.SendRequest{From: c.From, Text: text})
	if err != nil {
		return asked(err)
	}
	return c.print(s, sent, sent.Text+"\n"+"trace "+sent.TraceID, sent.OK)
}
