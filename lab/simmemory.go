package main

import (
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v4/mem"

	"hearsay/lab/quantity"
)

const (
	// peerBytes is what a simulated peer takes, with its links, views and what is under way to it. Measured with
	// 10,000 peers, at the worst moment, which is when the last of them have just started.
	peerBytes = 170 << 10
	// messageBytes is what a peer keeps beside each message's text.
	messageBytes = 150
)

// enoughMemory refuses what this machine cannot hold: the system would end us without a word, or swap for
// hours. Kept is the bytes of messages that each peer keeps, and together how many runs there are side by side.
func enoughMemory(peers, siphoners int, kept int64, together int) error {
	available, err := availableMemory()
	if err != nil {
		return nil // nobody knows; it may be enough
	}
	each := peerBytes + kept
	need := int64(peers+siphoners) * int64(together) * each
	if need <= available {
		return nil
	}
	what, most := fmt.Sprintf("--peers %d", peers), max(0, available/each/int64(together)-int64(siphoners))
	if siphoners > 0 {
		what += fmt.Sprintf(" and --siphoners %d", siphoners)
	}
	if together > 1 {
		what += fmt.Sprintf(" in each of %d runs side by side (--parallel)", together)
	}
	return fmt.Errorf("%s: they need about %s of memory, and %s are available: at most --peers %d", what, roundBytes(need), roundBytes(available), most)
}

// availableMemory is what can be had without swapping.
func availableMemory() (int64, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0, err
	}
	return limitedMemory(int64(m.Available)), nil
}

// roundBytes is a size as people say it.
func roundBytes(n int64) string {
	for _, unit := range []int64{1 << 30, 1 << 20, 1 << 10} {
		if n >= 10*unit {
			return quantity.Bytes(n / unit * unit).String()
		}
		if n >= unit {
			return fmt.Sprintf("%.1f%s", float64(n)/float64(unit), quantity.Bytes(unit).String()[1:])
		}
	}
	return quantity.Bytes(n).String()
}

// runtimeBytes is the memory that Go's runtime has from the system.
func runtimeBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
