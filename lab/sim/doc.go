// Package sim runs whole peers by the thousand in one goroutine, in virtual time, over a network with
// every fault that a network has.
//
// The peers are package mesh's, the very code that runs in package node under sockets and clocks: the
// simulator is another shell around the same core. Everything that is random comes from the seed, and
// everything that happens does so in an order that the seed alone decides, so that a run can be had
// again, byte for byte, on any machine.
//
// What is simulated: TCP connections (latency, bandwidth, retransmission after loss or a cut, half-open
// ones, resets that swallow what was under way, the kernel that accepts for a paused process), datagrams
// (latency, loss, reordering, multicast that stops at the edge of its domain or never works), a join list,
// processes (start, stop, kill, silent death, pause, clocks that run fast or slow), firewalls. What is not:
// the cost of computing, TCP's congestion control, and what an operating system does when memory or file
// descriptors run out.
//
// A World is not safe for concurrent use. Several can run side by side.
package sim
