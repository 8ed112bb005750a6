// Package plumtree is the broadcast: how a message that one peer publishes reaches every other, once,
// in its origin's order, whatever happens to the links in between.
//
// It follows Plumtree (Leitão, Pereira and Rodrigues, "Epidemic Broadcast Trees", SRDS 2007). Payload
// goes over eager links, and lazy links carry only IHAVE. A second copy prunes the link it came on; an
// IHAVE for something that does not arrive grafts the link it came on. What is left is a tree, with
// the other links standing by to mend it.
//
// Four things are ours, and the rest leans on them:
//
//   - FIFO relay. A peer relays and announces a message when it has all earlier ones of that origin,
//     which is when it delivers it. So what a peer knows of an origin is a prefix, written as one
//     number (a wire.Mark); a whole version vector is one number for each origin; remembering what
//     was seen takes memory for origins, not for messages; and no survivor can hold a message whose
//     predecessors died with somebody else.
//   - The retained log. Every peer keeps what it relayed for a while. It is where a frame's bytes are
//     copied to, once, and where all links are served from.
//   - Catch-up. A link begins with both version vectors (HAVE), and each side asks (WANT) for what it
//     lacks. Together with the marks that follow (IHAVE, or the messages themselves) a peer always
//     comes to know what its neighbors have, so that nothing is missing unnoticed.
//   - Deep fetches. A newcomer is not owed what is older than itself: it skips that, and its mark says that it knows of
//     it, not that it has it. If the only way of two meshes to one another leads through newcomers, they look for what
//     they skipped, on behalf of who is older, and pass it on.
//
// The package is pure: no sockets, clock, goroutines, locks or logger. The same calls with the same
// seed give the same effects. Nothing here knows that TCP exists; what it needs of a link is that
// frames arrive in order or the link goes down.
package plumtree
