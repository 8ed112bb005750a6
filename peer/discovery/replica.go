package discovery

import (
	"context"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"hearsay/peer/wire"
)

// replicaTimeout is how long reverse DNS may keep a peer from starting. Docker's own answers within a
// millisecond; one that must first ask others may as well be silent.
const replicaTimeout = 500 * time.Millisecond

// ReplicaName returns the name by which people know this machine: peer-3 in a replica that compose or
// Swarm started, otherwise the host name without its domain. It is a valid name for a peer.
//
// A replica's host name is its container's id, which tells nobody anything; its number is known only
// to the name server of its network, by the container's address. /etc/hosts gives that address the id
// as well, so it must not be asked first: an image needs /etc/nsswitch.conf with "hosts: dns files".
// Only a host name that looks like such an id is asked about, so other machines wait for nothing, and
// a host name that somebody chose stands. Silent DNS takes half a second at most.
func ReplicaName(ctx context.Context) string {
	host, err := os.Hostname()
	if err != nil {
		return wire.SanitizeName("")
	}
	if containerID.MatchString(host) {
		if name := reverseName(ctx, localAddrs(), net.DefaultResolver.LookupAddr); name != "" {
			return wire.SanitizeName(name)
		}
	}
	host, _, _ = strings.Cut(host, ".")
	return wire.SanitizeName(host)
}

// maxAddrs is how many addresses of a container are asked about: it is on one network or two.
const maxAddrs = 8

// localAddrs returns this machine's IPv4 addresses that others can know.
func localAddrs() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, addr := range ipv4Of(all) {
		if addr.IsGlobalUnicast() && len(out) < maxAddrs {
			out = append(out, addr)
		}
	}
	return out
}

// reverseName asks for all addresses at the same time and returns the first replica's name, in their
// order, or nothing.
func reverseName(ctx context.Context, addrs []netip.Addr, lookup func(context.Context, string) ([]string, error)) string {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	found := make([]string, len(addrs))
	var lookups sync.WaitGroup
	for i, addr := range addrs {
		lookups.Go(func() {
			names, _ := lookup(ctx, addr.String()) // no name is as good as an error
			for _, name := range names {
				if found[i] = stripReplica(name); found[i] != "" {
					return
				}
			}
		})
	}
	lookups.Wait()
	for _, name := range found {
		if name != "" {
			return name
		}
	}
	return ""
}

var (
	// containerID is a container's default host name: the beginning of its id, or all of it.
	containerID = regexp.MustCompile(`^[0-9a-f]{12}([0-9a-f]{52})?$`)
	// swarmTask is a Swarm task's container: service, slot or node id, task id, network.
	swarmTask = regexp.MustCompile(`^([^.]+)\.([0-9]+|[a-z0-9]{25})\.[a-z0-9]{25}\.(.+)$`)
	// service is what follows the project in a container's name.
	service = regexp.MustCompile(`^[-_].*[^0-9]`)
	// numbered is how older versions of compose number replicas.
	numbered = regexp.MustCompile(`_([0-9]+)$`)
)

// stripReplica takes both ends off the name that a container's network gives its address:
//
//	PROJECT-peer-3.PROJECT_NETWORK.        compose: peer-3
//	STACK_peer.3.TASKID.STACK_NETWORK.     Swarm: peer-3
//	NAME.NETWORK.                          docker run --name: NAME
//
// The project can only be told by its standing at the front of both names; where the network is called
// otherwise, it stays. A bare id is no name: "" is returned.
func stripReplica(ptr string) string {
	ptr = strings.TrimSuffix(ptr, ".")
	if t := swarmTask.FindStringSubmatch(ptr); t != nil {
		slot := t[2]
		if len(slot) == 25 { // a global service: one task on each node, known by the node's id
			slot = slot[:5]
		}
		return stripProject(t[1], t[3]) + "-" + slot
	}
	name, network, _ := strings.Cut(ptr, ".")
	if containerID.MatchString(name) {
		return ""
	}
	return numbered.ReplaceAllString(stripProject(name, network), "-$1")
}

// stripProject takes PROJECT- or PROJECT_ off name if network is PROJECT_ANYTHING: the longest such
// project, since its name may have underscores too. A number alone is no service's name: demo_1 on
// demo_net was named by hand.
func stripProject(name, network string) string {
	for i := len(network) - 1; i > 0; i-- {
		if network[i] != '_' {
			continue
		}
		if rest, ok := strings.CutPrefix(name, network[:i]); ok && service.MatchString(rest) {
			return rest[1:]
		}
	}
	return name
}
