package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"hearsay/lab/control"
)

// remote is what commands have in common that tell a running lab what to do.
type remote struct {
	Lab  string `help:"Name or port of the lab, where there are several." placeholder:"NAME" env:"HEARSAY_LAB"`
	JSON bool   `help:"One JSON object on standard output."`
}

// dial finds the lab.
func (r *remote) dial() (*control.Client, error) {
	c, err := control.Dial(r.Lab)
	if err != nil {
		return nil, misused(err)
	}
	return c, nil
}

// asked gives an error of the lab's the code that it says.
func asked(err error) error {
	if e, ok := errors.AsType[*control.Error](err); ok {
		switch e.Exit {
		case exitUsage:
			return misused(e)
		case exitCannot:
			return cannot(e)
		}
	}
	return failed(err)
}

// print prints v, or the text that says the same. An outcome that is not good ends the command with 1, without another
// word.
func (r *remote) print(s streams, v any, text string, ok bool) error {
	var err error
	if r.JSON {
		err = json.NewEncoder(s.out).Encode(v)
	} else {
		_, err = s.out.Write([]byte(clean(text) + "\n"))
	}
	switch {
	case err != nil:
		return failed(err)
	case !ok:
		return failed(errQuiet)
	}
	return nil
}

// errQuiet ends a command that has said what there is to say.
var errQuiet = errors.New("")

// fault has the lab do something, and prints how the mesh took it.
func (r *remote) fault(ctx context.Context, s streams, q control.FaultRequest) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	q.Wait = true
	o, err := c.Fault(ctx, q)
	if err != nil {
		return asked(err)
	}
	return r.print(s, o, o.Text, o.OK)
}

// peerArgs are peers as people name them, in one word or several.
type peerArgs struct {
	Peers []string `arg:"" help:"Who: 3 or peer-3, 1,2, root, any, random 2, half, all or dead." placeholder:"PEERS"`
}

// list is one word, as fleet.Select reads it: `random 2` stays together, everything else is a list.
func (a *peerArgs) list() string { return joinPeers(a.Peers) }

func joinPeers(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			_, err := strconv.Atoi(strings.TrimSuffix(w, ","))
			if words[i-1] == "random" && err == nil {
				b.WriteByte(' ')
			} else if !strings.HasSuffix(words[i-1], ",") && !strings.HasPrefix(w, ",") {
				b.WriteByte(',')
			}
		}
		b.WriteString(w)
	}
	return b.String()
}
