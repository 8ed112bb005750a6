package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultResolveTimeout is how long all names together may take: DNS on one's own network answers
	// in milliseconds, and whoever waits longer has another try soon.
	DefaultResolveTimeout = 2 * time.Second
	// MaxResolved is how many addresses one Resolve returns: many times what a peer can try before it
	// asks again. Of more, a random selection, so that a thousand peers do not all try the same ones.
	MaxResolved = 256
)

// Resolver finds the addresses of join targets. It remembers nothing: names of peers that come and go
// are asked for again each time. The zero value asks the system.
type Resolver struct {
	// Lookup returns the IPv4 and IPv6 addresses of a name. Nil means net.DefaultResolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Timeout is how long all names together may take. Zero means DefaultResolveTimeout.
	Timeout time.Duration

	left atomic.Uint64
}

// Left is how many addresses were left out so far because there were more than MaxResolved.
func (r *Resolver) Left() uint64 { return r.left.Load() }

// Resolve returns the addresses of all targets, sorted and each once, at most MaxResolved. Names are
// looked up at the same time. What can be found is returned even when the error is not nil; that names
// each target which could not be.
func (r *Resolver) Resolve(ctx context.Context, targets []Target) ([]netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, DefaultResolveTimeout))
	defer cancel()
	found := make([][]netip.Addr, len(targets))
	errs := make([]error, len(targets))
	var lookups sync.WaitGroup
	for i, t := range targets {
		if addr, err := netip.ParseAddr(t.Host); err == nil {
			found[i] = []netip.Addr{addr}
			continue
		}
		lookups.Go(func() { found[i], errs[i] = r.lookup(ctx, t.Host) })
	}
	lookups.Wait()

	var out []netip.AddrPort
	for i, addrs := range found {
		for _, addr := range addrs {
			out = append(out, netip.AddrPortFrom(addr.Unmap(), targets[i].Port))
		}
	}
	slices.SortFunc(out, netip.AddrPort.Compare)
	out = slices.Compact(out)
	if more := len(out) - MaxResolved; more > 0 {
		r.left.Add(uint64(more))
		rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:MaxResolved]
		slices.SortFunc(out, netip.AddrPort.Compare)
	}
	return out, errors.Join(errs...)
}

func (r *Resolver) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	lookup := r.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := lookup(ctx, host)
	if dns := (*net.DNSError)(nil); err != nil && !errors.As(err, &dns) {
		err = fmt.Errorf("lookup %s: %w", host, err) // a DNSError says that itself
	}
	return addrs, err
}
