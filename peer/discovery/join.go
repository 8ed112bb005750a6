package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hearsay/peer/wire"
)

// MaxTargets is how many items a join list may have. A name can stand for any number of peers, so
// longer lists are a mistake, and an error.
const MaxTargets = 64

// Target is an item of a join list: where to begin when multicast does not pass.
type Target struct {
	Host string // a DNS name or an IP address
	Port uint16
}

func (t Target) String() string { return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))) }

// ParseJoin reads a join list: DNS names and IP addresses, each with or without a port, several in one
// item when commas stand between them. Without a port, it is the first that a peer would listen on,
// wire.MinPort. IPv6 addresses need brackets only before a port. Empty items and repetitions are
// passed over; the error names the first item that cannot be read.
func ParseJoin(list []string) ([]Target, error) {
	var targets []Target
	for _, item := range strings.Split(strings.Join(list, ","), ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		t, err := parseTarget(item)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		if slices.Contains(targets, t) {
			continue
		}
		if len(targets) == MaxTargets {
			return nil, fmt.Errorf("%q: more than %d names and addresses", item, MaxTargets)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func parseTarget(item string) (Target, error) {
	host, port := item, uint64(wire.MinPort)
	if inner, ok := strings.CutPrefix(item, "["); ok && strings.HasSuffix(item, "]") {
		host = strings.TrimSuffix(inner, "]")
	} else if _, err := netip.ParseAddr(item); err != nil && strings.Contains(item, ":") {
		var text string
		if host, text, err = net.SplitHostPort(item); err != nil {
			return Target{}, errors.New("not a name or an address, with or without a port")
		}
		if port, err = strconv.ParseUint(text, 10, 16); err != nil || port == 0 {
			return Target{}, errors.New("a port is a number from 1 to 65535")
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr = addr.Unmap(); addr.IsUnspecified() || addr.IsMulticast() {
			return Target{}, errors.New("no machine has this address")
		}
		if strings.ContainsFunc(addr.Zone(), func(r rune) bool { return !ofName(r) && r != '.' }) {
			return Target{}, errors.New("not the zone of an IPv6 address")
		}
		return Target{addr.String(), uint16(port)}, nil
	}
	if strings.HasPrefix(item, "[") {
		return Target{}, errors.New("not an IPv6 address")
	}
	if err := checkHost(host); err != nil {
		return Target{}, err
	}
	return Target{strings.ToLower(host), uint16(port)}, nil
}

// checkHost asks for a host name (RFC 1123 section 2.1), with underscores, which compose projects and
// Swarm services have.
func checkHost(host string) error {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if len(label) == 0 || len(label) > 63 {
			return errors.New("each part of a host name has 1 to 63 characters")
		}
		for _, r := range label {
			if !ofName(r) {
				return fmt.Errorf("%q does not belong in a host name", r)
			}
		}
	}
	// No top-level domain is a number, so this is an address with a mistake.
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return errors.New("not an IPv4 address")
	}
	if len(host) > 253 {
		return errors.New("a host name has at most 253 characters")
	}
	return nil
}

func ofName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
