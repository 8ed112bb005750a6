package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hearsay/peer/api"
	"hearsay/peer/wire"
)

// target is how the client commands name the peer they talk to.
type target struct {
	To string `help:"Address of the peer's HTTP API. Default: PEER_HTTP, or the one peer that runs on this machine." placeholder:"ADDR"`
}

// client finds the peer.
func (t target) client() (*api.Client, error) {
	if t.To == "" {
		// In a container PEER_HTTP is set for the peer itself, and so for whoever is run beside it.
		t.To = os.Getenv("PEER_HTTP")
	}
	if t.To == "none" {
		return nil, usageError{errors.New("PEER_HTTP is none: the peer has no API to talk to; name one with --to")}
	}
	if t.To == "" || strings.HasSuffix(t.To, ":0") {
		found, err := api.Find()
		if err != nil {
			return nil, usageError{err}
		}
		t.To = found
	}
	return api.NewClient(t.To), nil
}

// sendCmd publishes a text at a running peer.
type sendCmd struct {
	target
	Jaeger string   `help:"Address of Jaeger's page, such as http://127.0.0.1:16686, to print where the trace is shown." placeholder:"URL"`
	JSON   bool     `name:"json" help:"Print the answer as JSON."`
	Text   []string `arg:"" help:"The text; - reads it from standard input."`
}

func (c *sendCmd) Run(s *streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	text := []byte(strings.Join(c.Text, " "))
	if len(c.Text) == 1 && c.Text[0] == "-" {
		if text, err = io.ReadAll(io.LimitReader(s.in, wire.MaxBody+1)); err != nil {
			return err
		}
	}
	if len(text) > wire.MaxBody {
		return usageError{fmt.Errorf("the text is longer than %d bytes", wire.MaxBody)}
	}
	sent, err := client.Send(context.Background(), text, os.Getenv("TRACEPARENT"))
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(sent)
	}
	fmt.Fprintf(s.out, "id    %s\ntrace %s\n", sent.ID, sent.TraceID)
	if c.Jaeger != "" {
		fmt.Fprintln(s.out, traceURL(c.Jaeger, sent.TraceID))
	}
	return nil
}

// statusCmd prints a peer's status.
type statusCmd struct {
	target
}

func (c *statusCmd) Run(s *streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	status, err := client.Status(context.Background())
	if err != nil {
		return err
	}
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(status)
}

// healthCmd says whether a peer is well.
type healthCmd struct {
	target
}

func (c *healthCmd) Run(s *streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.Health(context.Background()); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "ok")
	return nil
}
