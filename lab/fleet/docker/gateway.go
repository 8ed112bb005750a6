package docker

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/moby/moby/client"
)

// Gateway is the address by which containers of our own reach the machine that their engine runs on. Whoever
// listens there is heard by them, and by nobody else on the network.
func (f *Fleet) Gateway(ctx context.Context) (netip.Addr, error) {
	if f.network == "" {
		return netip.Addr{}, fmt.Errorf("the network is not ours")
	}
	n, err := f.docker.NetworkInspect(ctx, f.network, client.NetworkInspectOptions{})
	if err != nil {
		return netip.Addr{}, err
	}
	for _, c := range n.Network.IPAM.Config {
		if c.Gateway.IsValid() && c.Gateway.Is4() {
			return c.Gateway, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the engine tells no gateway of the network %s", f.network)
}

// Environ adds to the environment of the containers that are started from now on.
func (f *Fleet) Environ(env ...string) { f.cfg.Env = append(f.cfg.Env, env...) }
