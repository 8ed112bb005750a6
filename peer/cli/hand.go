package cli

import (
	"hearsay/peer/hook"
)

// handCmd is a lab's hand beside a peer in a container: it runs in a container of its own, of the same image, in the
// peer's network namespace.
type handCmd struct {
	To string `default:"127.0.0.1:7070" env:"PEER_HTTP" help:"Address of the peer's HTTP API." placeholder:"ADDR"`
}

func (c *handCmd) Run(s *streams) error { return hook.RunHand(c.To, s.in, s.out) }
