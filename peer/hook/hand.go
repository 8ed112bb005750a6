package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"hearsay/peer/hook/filter"
	"hearsay/peer/node"
)

const (
	// findWithin is how long a hand waits for its peer to answer for the first time.
	findWithin = 15 * time.Second
	// lookFor is how long a status may take. One of a paused peer never comes.
	lookFor = 2 * time.Second
)

// Hand is what a lab has beside a peer that it did not start.
type Hand struct {
	eye     *Onlooker
	out     *writer
	ears    ears
	heard   heard
	self    Hello
	devices []string
	going   sync.Once
	ctx     context.Context
	work    sync.WaitGroup
}

// RunHand speaks with a lab until it has gone, about the peer whose API is at addr. Then nothing is cut any more.
func RunHand(addr string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hand{out: newWriter(out), ctx: ctx}
	h.eye = NewOnlooker(addr, nil, h.out.told)
	h.heard.init()
	h.self.API, h.self.PID = addr, os.Getpid()
	defer h.work.Wait()
	defer cancel()
	if err := h.prepare(); err != nil {
		return err
	}
	defer h.ears.close()
	defer h.mend()
	h.out.line(Line{Hello: &h.self})
	obey(in, h.out, h.do)
	return nil
}

// prepare finds the peer, and what can be done here.
func (h *Hand) prepare() error {
	s, err := h.find()
	if err != nil {
		return err
	}
	h.self.ID, h.self.Name, h.self.Addr = s.ID, s.Name, s.Addr
	if h.devices, err = devices(); err != nil {
		return err
	}
	if err := filter.Clear(); err != nil {
		return fmt.Errorf("this kernel, or this container, cannot filter: %w", err)
	}
	if err := filter.SetDelay("lo", time.Microsecond, 0); err != nil {
		h.self.NoDelay = err.Error()
	} else if err := filter.SetDelay("lo", 0, 0); err != nil {
		return err
	}
	return h.ears.open(&h.heard)
}

// find waits for the peer's first answer.
func (h *Hand) find() (*node.Status, error) {
	for begun := time.Now(); ; time.Sleep(LookEvery / 5) {
		s, err := h.status()
		if err == nil || time.Since(begun) > findWithin {
			return s, err
		}
	}
}

func (h *Hand) status() (*node.Status, error) {
	ctx, cancel := context.WithTimeout(h.ctx, lookFor)
	defer cancel()
	return h.eye.Status(ctx)
}

// mend undoes everything.
func (h *Hand) mend() {
	filter.Clear()
	for _, d := range h.devices {
		filter.SetDelay(d, 0, 0)
	}
}

func (h *Hand) do(r *Request, reply *Reply) (err error) {
	switch r.Do {
	case DoGo:
		h.going.Do(func() { err = h.begin() })
		return err
	case DoRules:
		if r.Rules == nil {
			return errors.New("there are no rules in it")
		}
		return h.obey(r.Rules)
	case DoProbe:
		return h.ears.shout(h.devices, h.self.Addr, r.Token)
	case DoHeard:
		reply.Heard = h.heard.wait(r.Token, r.From, r.Patience, h.ctx.Done())
		return nil
	case DoDial:
		c, err := net.DialTimeout("tcp", r.Addr, r.Patience)
		if err != nil {
			return err
		}
		return c.Close()
	case DoPublish:
		return h.publish(r, reply)
	case DoStatus:
		reply.Status, err = h.eye.RawStatus(h.ctx)
		return err
	}
	return fmt.Errorf("unknown request %q", r.Do)
}

// obey has the kernel obey.
func (h *Hand) obey(r *Rules) error {
	var drops []filter.Drop
	for _, s := range r.Cut {
		mac, err := net.ParseMAC(s)
		if err != nil {
			return err
		}
		drops = append(drops, filter.Drop{From: mac, Share: 1})
	}
	for s, share := range r.Lossy {
		mac, err := net.ParseMAC(s)
		if err != nil {
			return err
		}
		drops = append(drops, filter.Drop{From: mac, Share: share})
	}
	if err := filter.Set(h.devices, drops); err != nil {
		return err
	}
	for _, d := range h.devices {
		if err := filter.SetDelay(d, r.Delay, r.Jitter); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hand) publish(r *Request, reply *Reply) (err error) {
	reply.Published, err = h.eye.Publish(h.ctx, r.Text, r.Traceparent)
	return err
}

// begin tells from now on what happens at the peer.
func (h *Hand) begin() error {
	if _, err := h.eye.Begin(h.ctx, findWithin); err != nil {
		return err
	}
	h.work.Go(func() { h.eye.Listen() })
	h.work.Go(h.look)
	return nil
}

// look looks until the hand's end.
func (h *Hand) look() {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(h.ctx, lookFor)
		h.eye.Look(ctx) // a peer that is paused does not answer
		cancel()
		select {
		case <-tick.C:
		case <-h.ctx.Done():
			return
		}
	}
}

// devices are this namespace's interfaces, but loopback.
func devices() (names []string, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && len(i.HardwareAddr) == 6 {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("there is no interface but loopback")
	}
	return names, nil
}
