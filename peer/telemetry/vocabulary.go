package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Span names. No id is ever part of one: whoever looks for slow hops groups by name.
const (
	spanAnnounce = "announce"
	spanDiscover = "discover"
	spanDial     = "dial"
	spanAccept   = "accept"
	spanHeal     = "heal"
	spanCatchUp  = "catch-up"
	spanPublish  = "publish " + destination // the conventions' {operation} {destination}
	spanProcess  = "process " + destination
)

// destination is where messages go.
const destination = "mesh"

// What the conventions have no word for.
const (
	keyID        = attribute.Key("hearsay.id")        // of a resource: the peer's full ID
	keyPeerID    = attribute.Key("hearsay.peer.id")   // the other peer's
	keyPeerName  = attribute.Key("hearsay.peer.name") //
	keyFrom      = attribute.Key("hearsay.from")      // the peer that sent a message, as its service.instance.id
	keyWhy       = attribute.Key("hearsay.why")       // of announce: start, seeking, trickle, change, beacon, answer, goodbye
	keyReason    = attribute.Key("hearsay.reason")    //
	keyOutcome   = attribute.Key("hearsay.outcome")   // of process: delivered, duplicate, dropped; of dial and accept: linked, referred, …
	keyPurpose   = attribute.Key("hearsay.purpose")   // of dial and accept: link, urgent, bridge, probe, verify
	keyBy        = attribute.Key("hearsay.by")        // of dial: by whose word: announcement, referral, shuffle, join, passive
	keyPriority  = attribute.Key("hearsay.priority")  // of accept: room was made
	keyHop       = attribute.Key("hearsay.hop")       // links travelled
	keyHeld      = attribute.Key("hearsay.held_ms")   // of process: waited for earlier messages of its origin
	keyGraft     = attribute.Key("hearsay.graft_ms")  // of process: since we asked for it, when we had to
	keyLinks     = attribute.Key("hearsay.links")     // of publish and process: eager links it went out on
	keyAsked     = attribute.Key("hearsay.asked")     // of catch-up: messages
	keyGot       = attribute.Key("hearsay.got")       //
	keyOrigin    = attribute.Key("hearsay.origin")    // of a lost event: whose messages
	keyFirst     = attribute.Key("hearsay.first")     // of a lost event
	keyLast      = attribute.Key("hearsay.last")      //
	keyRoot      = attribute.Key("hearsay.root")      // of a rooted event
	keyDirection = attribute.Key("hearsay.direction") // of the metric hearsay.links: out or in
	keySignal    = attribute.Key("hearsay.signal")    // of the metric hearsay.telemetry.dropped
)

// Events of spans.
const (
	eventDuplicate = "duplicate" // a second copy came
	eventPruned    = "pruned"    // and its link was made lazy for it
	eventLost      = "lost"      // of heal: a link ended; of catch-up: messages can no longer be had
	eventRooted    = "rooted"    // another root is followed
)

var (
	publishing = []attribute.KeyValue{
		semconv.MessagingSystemKey.String("hearsay"),
		semconv.MessagingOperationName("publish"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(destination),
	}
	processing = []attribute.KeyValue{
		semconv.MessagingSystemKey.String("hearsay"),
		semconv.MessagingOperationName("process"),
		semconv.MessagingOperationTypeProcess,
		semconv.MessagingDestinationName(destination),
	}
)
