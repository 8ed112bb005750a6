package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"hearsay/lab/control"
	"hearsay/lab/fleet"
	"hearsay/lab/fleet/local"
	"hearsay/lab/watch"
)

// upCmd starts a lab, and stays until it is told to end.
type upCmd struct {
	Peers  int        `default:"6" help:"How many peers to start."`
	Engine string     `enum:"local,docker,sim,compose" default:"local" help:"What the peers are: processes on this machine, containers, simulated, or those beside this one in a compose project: ${enum}."`
	Name   string     `help:"What the lab is called where there are several. Default: its port." placeholder:"NAME"`
	Port   int        `help:"Where the page is served on 127.0.0.1. Default: ${port}, or the next that is free." placeholder:"PORT"`
	Listen netip.Addr `help:"In a container that publishes the port: 0.0.0.0. Only the machine itself is served then." default:"127.0.0.1" placeholder:"ADDR" env:"LAB_LISTEN"`
	receiverFlags
	Set map[string]string `short:"s" mapsep:"," help:"Flags of the peers: --set links=4,serve=8." placeholder:"FLAG=VALUE"`
	dockerFlags
	composeFlags
	Jaeger string `help:"Address of a Jaeger that gets the same traces, to which the page links: http://127.0.0.1:16686." placeholder:"URL" env:"LAB_JAEGER"`
	JSON   bool   `help:"One JSON object on standard output once the peers run, and nothing more."`
}

// receiverFlags say where traces come in, for a collector that is to send them on.
type receiverFlags struct {
	OTLP     string `name:"otlp" help:"Where traces are received. Default: a free port of 127.0.0.1." placeholder:"ADDR:PORT" env:"LAB_OTLP"`
	OTLPHTTP string `name:"otlp-http" help:"Where they are received over HTTP, too." placeholder:"ADDR:PORT" env:"LAB_OTLP_HTTP"`
}

func (f receiverFlags) options() watch.Options {
	return watch.Options{Listen: f.OTLP, HTTP: f.OTLPHTTP}
}

// lab is one that runs.
type lab struct {
	fleet    fleet.Fleet
	watch    *watch.Watch
	server   *control.Server
	readOnly bool   // it only watches,
	why      string // for this reason
}

// Run starts a lab and waits for its end.
func (c *upCmd) Run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer orphan(cancel)()
	con := newConsole(s, !c.JSON)
	l, err := c.start(ctx, con)
	if err != nil {
		return err
	}
	defer l.close()
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(l.info()); err != nil {
			return failed(err)
		}
	}
	go l.tellForming(ctx, con)
	lines := con.lines(ctx)
	for {
		select {
		case <-ctx.Done():
			con.bye()
			return nil
		case <-l.server.Down():
			con.bye()
			return nil
		case line, open := <-lines:
			if !open {
				lines = nil // the end of standard input is not the lab's
				continue
			}
			l.say(ctx, con, line)
		}
	}
}

// start brings everything up, or nothing.
func (c *upCmd) start(ctx context.Context, con *console) (_ *lab, err error) {
	if c.Peers < 1 {
		return nil, misused(fmt.Errorf("--peers %d: a lab has one at least", c.Peers))
	}
	if c.Port < 0 || c.Port > math.MaxUint16 {
		return nil, misused(fmt.Errorf("--port %d: ports are 1 to %d", c.Port, math.MaxUint16))
	}
	if !c.Listen.IsLoopback() && !(c.Listen.IsUnspecified() && inContainer()) {
		return nil, misused(fmt.Errorf("--listen %v: a lab is for whoever is at this machine, and is served on 127.0.0.1; only one in a container listens on 0.0.0.0", c.Listen))
	}
	if err := nameFree(c.Name); err != nil {
		return nil, err
	}
	l := &lab{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	attached, err := c.makeFleet(ctx, l)
	if err != nil {
		return nil, engineError(err)
	}
	l.watch.Follow(l.fleet)
	l.server, err = control.New(control.Config{
		Fleet: l.fleet, Watch: l.watch, Name: c.Name, Listen: c.Listen, Port: c.Port, ReadOnly: l.readOnly, Why: l.why, Said: con.said,
	})
	if err != nil {
		return nil, misused(err)
	}
	if err := l.page(c.Jaeger); err != nil {
		return nil, err
	}
	if !attached {
		if _, err := l.fleet.Add(ctx, c.Peers, fleet.Options{}); err != nil {
			return nil, engineError(err)
		}
	}
	l.server.Serve()
	con.hello(l)
	return l, nil
}

// engineError tells what a machine cannot do from what a person mends.
func engineError(err error) error {
	if errors.Is(err, fleet.ErrCannot) {
		return cannot(err)
	}
	return misused(err)
}

// nameFree refuses a name that a running lab has.
func nameFree(name string) error {
	if name == "" {
		return nil
	}
	if n, err := control.Find(name); err == nil {
		return misused(fmt.Errorf("a lab %q is running already (process %d, http://%s/): end it with `lab down --lab %s`, or choose another --name", name, n.PID, n.Addr, name))
	}
	return nil
}

// makeFleet makes the engine and what watches it, and reports whether its peers are there already.
func (c *upCmd) makeFleet(ctx context.Context, l *lab) (attached bool, err error) {
	if c.Engine == "docker" {
		return c.dockerFlags.makeFleet(ctx, l, c.Set, c.receiverFlags)
	}
	if l.watch, err = watch.New(c.receiverFlags.options()); err != nil {
		return false, err
	}
	if c.Engine == "compose" {
		if len(c.Set) > 0 {
			return true, errors.New("--set: the peers run with the flags that compose gives them")
		}
		return true, c.composeFlags.makeFleet(ctx, l)
	}
	if c.Engine == "sim" {
		l.fleet, err = simulated(c.Set, l.watch)
		return false, err
	}
	f, err := local.New(fleet.Config{Flags: c.Set, Env: tracing(l.watch)})
	if err == nil {
		l.fleet = f
	}
	return false, err
}

// tracing has peers send their spans to a watch, and at once, so that what happened can be explained at once.
func tracing(w *watch.Watch) []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + w.Endpoint(), traceSoon}
}

const traceSoon = "OTEL_BSP_SCHEDULE_DELAY=100"

// close ends all of it, in an order in which nobody misses another.
func (l *lab) close() {
	if l.server != nil {
		l.server.Close()
	}
	if l.fleet != nil {
		l.fleet.Close()
	}
	if l.watch != nil {
		l.watch.Close()
	}
	if l.server != nil {
		l.server.Ended()
	}
}

// upInfo is what --json says once the peers run.
type upInfo struct {
	Name   string       `json:"name"`
	URL    string       `json:"url"`
	Engine string       `json:"engine"`
	Peers  []fleet.Peer `json:"peers"`
}

func (l *lab) info() upInfo {
	return upInfo{l.server.Name(), l.server.URL(), l.fleet.Engine(), l.fleet.Peers()}
}

// formWithin is how long we wait to tell that the peers have formed a mesh.
const formWithin = time.Minute

// tellForming tells when the peers are a mesh for the first time.
func (l *lab) tellForming(ctx context.Context, con *console) {
	ctx, cancel := context.WithTimeout(ctx, formWithin)
	defer cancel()
	var f watch.Figures
	err := l.watch.Until(ctx, func(m *watch.Model) bool {
		f = m.Figures()
		return f.Meshed && f.Peers > 0
	})
	switch {
	case err == nil && f.Peers == 1:
		con.said("one peer, which waits for others")
	case err == nil:
		con.said(fmt.Sprintf("meshed: %s, one part, everybody has two neighbors or more", plural(f.Links, "link")))
	case context.Cause(ctx) == context.DeadlineExceeded:
		con.said(fmt.Sprintf("not meshed after %v: %s", formWithin, f.Why))
	}
}

// say publishes a typed line, and tells how it fared as soon as that is known.
func (l *lab) say(ctx context.Context, con *console, line string) {
	if l.readOnly {
		con.said(control.Watches(l.why))
		return
	}
	sent, err := l.server.Send(ctx, control.SendRequest{Text: line, NoWait: true})
	if err != nil {
		if ctx.Err() == nil {
			con.said(err.Error())
		}
		return
	}
	con.later(func() {
		l.server.Fared(ctx, line, sent)
		if ctx.Err() == nil {
			con.said(sent.Text)
		}
	})
}
