package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"hearsay/peer/plumtree"
)

// Span names. No id is ever part of one: whoever looks for slow hops groups by name.
const (
	nameAnnounce = "announce"
	nameDiscover = "discover"
	nameDial     = "dial"
	nameAccept   = "accept"
	nameHeal     = "heal"
	nameCatchUp  = "catch-up"
	namePublish  = "publish " + destination // the conventions' {operation} {destination}
	nameProcess  = "process " + destination
)

// destination is where messages go.
const destination = "mesh"

// What the conventions have no word for.
const (
	keyID        = attribute.Key("hearsay.id")        // of a resource: the peer's full ID
	keyPeerID    = attribute.Key("hearsay.peer.id")   // the other peer's
	keyPeerName  = attribute.Key("hearsay.peer.name") // likewise
	keyFrom      = attribute.Key("hearsay.from")      // the peer that sent a message, as its service.instance.id
	keyWhy       = attribute.Key("hearsay.why")       // of announce: start, seeking, trickle, change, beacon, answer, goodbye
	keyReason    = attribute.Key("hearsay.reason")    // of an outcome
	keyOutcome   = attribute.Key("hearsay.outcome")   // of process: delivered, duplicate, dropped; of dial and accept: linked, referred, …
	keyPurpose   = attribute.Key("hearsay.purpose")   // of dial and accept: link, urgent, bridge, probe, verify
	keyBy        = attribute.Key("hearsay.by")        // of dial: by whose word: announcement, referral, shuffle, join, passive
	keyPriority  = attribute.Key("hearsay.priority")  // of accept: room was made
	keyHop       = attribute.Key("hearsay.hop")       // of process: links travelled
	keyHeld      = attribute.Key("hearsay.held_ms")   // of process: waited for earlier messages of its origin
	keyGraft     = attribute.Key("hearsay.graft_ms")  // of process: since we asked for it, when we had to
	keyLinks     = attribute.Key("hearsay.links")     // of publish and process: eager links it went out on
	keyAsked     = attribute.Key("hearsay.asked")     // of catch-up: messages
	keyGot       = attribute.Key("hearsay.got")       // of catch-up: messages
	keyOrigin    = attribute.Key("hearsay.origin")    // of a lost event: whose messages
	keyFirst     = attribute.Key("hearsay.first")     // of a lost event: sequence number
	keyLast      = attribute.Key("hearsay.last")      // of a lost event: sequence number
	keyRoot      = attribute.Key("hearsay.root")      // of a rooted event
	keyDirection = attribute.Key("hearsay.direction") // of metrics: out or in
	keyWhose     = attribute.Key("hearsay.whose")     // of metrics: ours or theirs
	keyLimit     = attribute.Key("hearsay.limit")     // of metrics: which limit was met
	keySignal    = attribute.Key("hearsay.signal")    // of metrics: events, traces, metrics or logs
)

// Events of spans.
const (
	eventDuplicate = "duplicate" // a further copy came
	eventPruned    = "pruned"    // and its link was made lazy for it
	eventLost      = "lost"      // of heal: a link ended; of catch-up: messages can no longer be had
	eventRooted    = "rooted"    // another root is followed
)

// Attributes that are always the same.
var (
	overTCP    = encoded(semconv.NetworkTransportTCP)
	overUDP    = encoded(semconv.NetworkTransportUDP)
	publishing = encoded(
		semconv.MessagingSystemKey.String("hearsay"),
		semconv.MessagingOperationName("publish"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(destination),
	)
	processing = encoded(
		semconv.MessagingSystemKey.String("hearsay"),
		semconv.MessagingOperationName("process"),
		semconv.MessagingOperationTypeProcess,
		semconv.MessagingDestinationName(destination),
	)
)

// outcomes are the words for what became of a message, by plumtree.Outcome.
var outcomes = [...]string{plumtree.Delivered: "delivered", plumtree.Duplicate: "duplicate", plumtree.Dropped: "dropped"}

func outcome(o plumtree.Outcome) string {
	if int(o) >= len(outcomes) {
		return ""
	}
	return outcomes[o]
}
