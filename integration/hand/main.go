//go:build linux

// Command hand breaks the network of one container, whose network namespace it shares, and proves
// that it is broken. The integration tests start one beside a peer, with CAP_NET_ADMIN in that
// namespace and nothing else: whatever it is told, it cannot touch the machine's own network. It needs no tool in any
// image, and what it did ends with the namespace.
//
// It reads commands from standard input, one a line, and answers each with one line: "ok", or "no"
// and the reason.
//
//	cut MAC ...         drop every frame from these stations and no other: TCP, multicast, ARP, all of it
//	heal                drop nothing more
//	dial IP MS          open a TCP connection to the hand there, within so many milliseconds
//	shout TOKEN         send TOKEN to a multicast group
//	heard TOKEN MS      has TOKEN come by multicast within so many milliseconds?
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"hearsay/peer/hook/filter"
)

func main() {
	if err := answerDoor(); err != nil {
		fmt.Fprintln(os.Stderr, "hand:", err)
		os.Exit(1)
	}
	ears := newEars()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := do(ears, words[0], words[1:]); err != nil {
			fmt.Println("no", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Println("ok")
	}
}

func do(ears *ears, verb string, args []string) error {
	switch {
	case verb == "cut" && len(args) > 0:
		return cut(args)
	case verb == "heal" && len(args) == 0:
		return filter.Clear()
	case verb == "dial" && len(args) == 2:
		patience, err := milliseconds(args[1])
		if err != nil {
			return err
		}
		c, err := net.DialTimeout("tcp4", net.JoinHostPort(args[0], door), patience)
		if err != nil {
			return err
		}
		return c.Close()
	case verb == "shout" && len(args) == 1:
		return shout(args[0])
	case verb == "heard" && len(args) == 2:
		patience, err := milliseconds(args[1])
		if err != nil {
			return err
		}
		return ears.heard(args[0], patience)
	}
	return fmt.Errorf("no such command: %s with %d words", verb, len(args))
}

// cut drops every frame from these stations.
func cut(macs []string) error {
	all, err := interfaces()
	if err != nil {
		return err
	}
	var devices []string
	for _, i := range all {
		devices = append(devices, i.Name)
	}
	var drops []filter.Drop
	for _, s := range macs {
		mac, err := net.ParseMAC(s)
		if err != nil {
			return err
		}
		drops = append(drops, filter.Drop{From: mac, Share: 1})
	}
	return filter.Set(devices, drops)
}

// door is the TCP port at which hands dial each other: a probe takes the peer's way but disturbs no peer.
const door = "49150"

// answerDoor takes connections and hangs up.
func answerDoor() error {
	l, err := net.Listen("tcp4", ":"+door)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return nil
}

func milliseconds(s string) (time.Duration, error) {
	n, err := strconv.Atoi(s)
	return time.Duration(n) * time.Millisecond, err
}

// interfaces returns this namespace's interfaces, but loopback. They are asked for each time: a
// container that was disconnected and connected again has a new one.
func interfaces() ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []net.Interface
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && len(i.HardwareAddr) == 6 {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no interface but loopback")
	}
	return out, nil
}
