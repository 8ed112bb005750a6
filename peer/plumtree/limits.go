package plumtree

import "time"

// Everything that grows has a limit here, and says what happens at the limit. Stats.Limits counts how
// often each was met, under the name that is given in quotes.
const (
	// maxLinks is the most links: "links". The overlay has ten or so; one more is ignored.
	maxLinks = 256
	// maxOrigins is the most origins remembered: "origins". At the limit one that has been silent for
	// longer than the retention window makes room; if there is none, the new one's messages are
	// dropped, and come by catch-up once there is room. 4096 origins are about one MiB.
	maxOrigins = 4096
	// maxHeld is the most messages of one origin that wait for earlier ones: "held". At the limit the
	// newest is dropped, and pulled again once the gap is closed. It covers a round trip at full speed.
	maxHeld = 1024
	// maxHeldBytes is the same for the bytes of all origins: "held-bytes".
	maxHeldBytes = 4 << 20
)

const (
	// graftDelayMin and graftDelayMax bound how long an announced message may keep us waiting before we
	// graft. The delay between them is measured (see lateness). Below the first, a busy machine's
	// scheduling looks like loss; the second is what a person notices.
	graftDelayMin = 5 * time.Millisecond
	graftDelayMax = 500 * time.Millisecond
	// graftPatience is how long a grafted link may be silent before the next is asked: tens of round
	// trips on a LAN, and a tenth of the time that the overlay takes to see a silent death.
	graftPatience = 200 * time.Millisecond
	// wantPatience is the same for catch-up, where the far side may have much to send to many.
	wantPatience = time.Second
	// patienceMax is where doubling either ends.
	patienceMax = 5 * time.Second
	// deepPatience is how long one link may take to pass on what we never had.
	deepPatience = 2 * time.Second
	// deepAgain is how long to wait before asking all of them again. Somebody new is asked at once.
	deepAgain = 10 * time.Second
	// deepSilence is how long those who do not answer are waited for, when one who had it says that it is gone.
	deepSilence = 4 * time.Second
	// goneSilence is the same for whoever asks for himself. He gives those who look for it elsewhere, on his behalf,
	// the time to find that out.
	goneSilence = 10 * time.Second
	// verdictFor is how long we believe that what we never had cannot be had.
	verdictFor = 10 * time.Second
	// urgency is how long after the loss of an eager link whatever is announced and missing is grafted
	// at once: the tree is known to be broken, so waiting for it would be in vain.
	urgency = 500 * time.Millisecond

	// ihaveDelay is how long marks for lazy links are gathered: half of it at least, all of it at most.
	// It lets payload go ahead, merges a burst into one mark, and often lets one side of a link
	// spare its mark because it has heard the other's. A third of a kill's 25 ms could be spent here.
	ihaveDelay = 4 * time.Millisecond

	// fullPatience is how long a full link holds publishers back. After that it is a laggard: it turns
	// lazy, and its far side pulls what it can.
	fullPatience = time.Second
	// sliceBytes is how much of what is owed one link gets in one turn.
	sliceBytes = 64 << 10
	// ageSlack is by how much the age in a retained frame may be out when it is sent as it is, which
	// spares a new head. Time in queues and on the wire is not counted either.
	ageSlack = 20 * time.Millisecond
	// startSlack is how much older than the asker a message may be and still be sent: what it says of its
	// uptime was under way for a while. The asker itself decides what to deliver.
	startSlack = time.Second

	// hardlyLater is how much later a second copy may be and still be taken for the better one.
	hardlyLater = 5 * time.Millisecond
	// crossFor is how long after we chose the link of a second copy its far side's PRUNE may come for ours that
	// crossed it: a round trip, and a busy far side.
	crossFor = 100 * time.Millisecond
	// pruneAgain is how soon a link that goes on pushing duplicates is pruned again.
	pruneAgain = 200 * time.Millisecond
	// sweepEvery is how often expired messages and origins are looked for.
	sweepEvery = time.Second
)
