package wire

import (
	"net/netip"
	"time"
)

// Version is the protocol version that announcements and HELLO carry. Peers of different versions
// do not link; the refusal names both.
const Version = 1

// Limits of what is read from the network, checked before anything is allocated.
const (
	// MaxLine is the longest header line of a frame in bytes, its newline included. It holds a MSG
	// header with every field at its longest, or six candidates; longer lists span several frames.
	MaxLine = 1024
	// MaxBody is the longest message body in bytes: what a person pastes, not a file.
	MaxBody = 64 << 10
	// MaxAnnouncement is the longest announcement in bytes: it fits one datagram on any link (RFC 1122
	// section 3.3.3 asks every host to reassemble 576 bytes of IP datagram).
	MaxAnnouncement = 512
	// MaxName is the longest peer name in bytes: a DNS label (RFC 1035 section 2.3.4).
	MaxName = 63
	// IDLen is the length of a peer ID: 128 bits as lower-case hex.
	IDLen = 32
	// MinPort is the lowest TCP port a peer listens on: the first dynamic port (RFC 6335 section 6).
	MinPort = 49152
	// MaxCandidates is the most candidates one frame carries.
	MaxCandidates = 6
	// MaxMarks is the most marks or ranges one frame carries.
	MaxMarks = 10
)

// ID names a peer for as long as it runs: IDLen lower-case hex digits, opaque to everything above
// this package, ordered as strings. (With keys, it will be a key's hash.)
type ID string

// Short is the beginning of the ID, enough for a person to tell peers apart.
func (id ID) Short() string { return string(id[:min(4, len(id))]) }

// Origin names one run of one publisher: its ID, a dot and its epoch in hex. Sequence numbers count
// within an origin, so a peer that returns under its old ID cannot be taken for its former self.
type Origin string

// Conn is the core's name for one TCP connection. The core hands out numbers, never one twice;
// zero is none.
type Conn uint64

// TraceID and SpanID are OpenTelemetry's.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Context is a W3C trace context: a traceparent. The zero value is none.
type Context struct {
	Trace   TraceID
	Span    SpanID
	Sampled bool
}

// Valid reports whether the context names a span.
func (c Context) Valid() bool { return c.Trace != TraceID{} && c.Span != SpanID{} }

// Slots is a peer's load: Out of Links wanted outgoing links are open, In of Serve offered incoming
// ones are taken. Each is at most 255.
type Slots struct {
	Out, Links int
	In, Serve  int
}

// Free is the number of incoming slots that are free, never negative.
func (s Slots) Free() int { return max(0, s.Serve-s.In) }

// Degree is the number of links.
func (s Slots) Degree() int { return s.Out + s.In }

// Announcement is what a peer says of itself by UDP. Its address is the datagram's source with Port.
type Announcement struct {
	ID      ID
	Name    string
	Port    uint16
	Slots   Slots
	Root    ID     // the root it follows; empty while it knows none
	RootSeq uint64 // the newest beacon of Root it has seen
	Seeking bool   // it lacks links, and asks those with free slots to answer
	Leaving bool   // goodbye
	Context Context
}

// Purpose says why a connection was dialled.
type Purpose uint8

// The purposes of a dial.
const (
	PurposeLink   Purpose = iota // an ordinary link
	PurposeUrgent                // a link for a peer that has none: a full peer makes room
	PurposeBridge                // a link between two parts: a full peer makes room
	PurposeProbe                 // compare roots, and part
	PurposeVerify                // a dial-back: can this peer be dialled at all?
)

// Hello is the first frame each side sends on a connection.
type Hello struct {
	Version int
	ID      ID
	Name    string
	Port    uint16 // where the sender listens; its host is the connection's
	Slots   Slots
	Root    ID
	RootSeq uint64
	Uptime  time.Duration // whole milliseconds on the wire
	Purpose Purpose       // the acceptor repeats the dialler's
	Context Context       // the dial's span, or the accept's
}

// Welcome accepts a link. It follows the acceptor's HELLO.
type Welcome struct{}

// Candidate is a peer one could dial.
type Candidate struct {
	ID   ID
	Name string
	Addr netip.AddrPort
	Free int // free incoming slots, as last heard
}

// Refer declines or gives up a link and names others to try; the connection closes after it.
// Candidates may be empty.
type Refer struct {
	Reason     Reason
	Candidates []Candidate
}

// Close ends a connection and says why.
type Close struct {
	Reason Reason
}

// Ping asks for a Pong with the same nonce, and tells the sender's load.
type Ping struct {
	Nonce uint64
	Slots Slots
}

// Pong answers a Ping.
type Pong struct {
	Nonce uint64
}

// Root is the root's beacon, flooded over links.
type Root struct {
	ID  ID
	Seq uint64
}

// Shuffle is HyParView's (Leitão, Pereira and Rodrigues, DSN 2007, section 4.4): a sample of views on
// a random walk. The peer where it ends answers the sender of the frame it got.
type Shuffle struct {
	TTL        int // at most 6
	Candidates []Candidate
}

// ShuffleReply answers a Shuffle with a sample of the same size.
type ShuffleReply struct {
	Candidates []Candidate
}

// Msg is a message on one hop. Its byte slices alias the decoder's buffer.
//
// Age, Hops and Span change at every hop and stand first on the wire; Tail is all the rest, header
// and body and final newline, and is relayed as it came.
type Msg struct {
	Age  time.Duration // since it was published, not counting time on the wire; whole milliseconds
	Hops int           // links travelled when it arrives: 1 at the publisher's neighbors
	Span SpanID        // the sending hop's span in Publisher's trace; zero when unsampled

	Tail []byte

	Origin    []byte // an Origin
	Seq       uint64 // from 1
	Low       uint64 // the lowest sequence number its origin still kept when it published this one
	Name      []byte // the publisher's name
	Publisher Context
	Body      []byte
}

// Mark says that the sender has, or knows the fate of, every message of Origin up to and including Seq.
type Mark struct {
	Origin Origin
	Seq    uint64
}

// Range is the messages First to Last of Origin, both included.
type Range struct {
	Origin      Origin
	First, Last uint64
}

// IHave announces to a lazy link (Plumtree): the sender has these, ask if they do not reach you.
type IHave struct {
	Marks []Mark
}

// Graft asks for messages and makes the link eager again (Plumtree). Uptime is the asker's: it is not
// owed what is older.
type Graft struct {
	Uptime time.Duration
	Ranges []Range
}

// Prune makes the link lazy (Plumtree).
type Prune struct{}

// Have is the sender's version vector at the start of a link, in one or more frames.
type Have struct {
	Marks []Mark
	More  bool // another Have of the same vector follows
}

// Want asks for messages by Have's word, and leaves the link as it is. Uptime is as in Graft.
type Want struct {
	Uptime time.Duration
	Ranges []Range
}

// Gone answers a Graft or Want: these cannot be sent.
type Gone struct {
	Range Range
	Old   bool // older than the asker, so not owed; otherwise they were kept and are no longer
}

// Verb is the first word of a frame.
type Verb uint8

// The verbs, in the order of the types above.
const (
	VerbNone Verb = iota
	VerbHello
	VerbWelcome
	VerbRefer
	VerbClose
	VerbPing
	VerbPong
	VerbRoot
	VerbShuffle
	VerbShuffleReply
	VerbMsg
	VerbIHave
	VerbGraft
	VerbPrune
	VerbHave
	VerbWant
	VerbGone
)

// Frame is one frame as decoded. The field that Verb names is set; others are zero. Welcome and Prune
// have no fields.
type Frame struct {
	Verb    Verb
	Msg     Msg // VerbMsg: by value, since a busy link decodes many
	Control any // otherwise: *Hello, *Refer, *Close, *Ping, *Pong, *Root, *Shuffle, *ShuffleReply, *IHave, *Graft, *Have, *Want, *Gone
}

// Reason is why a connection ended or was refused: one lower-case word with hyphens, known to both
// sides, counted by both.
type Reason string

// The reasons that peers give each other.
const (
	ReasonGoodbye   Reason = "goodbye"         // the sender is stopping
	ReasonFull      Reason = "full"            // no slot; a referral comes along
	ReasonRoom      Reason = "room"            // given up to make room for a peer that needs it more
	ReasonRotate    Reason = "rotate"          // given up so that no clique freezes
	ReasonDuplicate Reason = "duplicate"       // the pair has a link already
	ReasonReplaced  Reason = "replaced"        // a newer link of the same pair took its place
	ReasonSelf      Reason = "self"            // dialled oneself, or one's own ID is claimed
	ReasonVersion   Reason = "version"         // another protocol version
	ReasonSiphoner  Reason = "siphoner"        // takes more than it serves, and its share is full
	ReasonProbed    Reason = "probed"          // the probe or dial-back is done
	ReasonTimeout   Reason = "timeout"         // silent for too long
	ReasonHandshake Reason = "handshake"       // a frame before HELLO, a second HELLO, or no HELLO in time
	ReasonBusy      Reason = "busy"            // too many connections are shaking hands
	ReasonLine      Reason = "line-too-long"   // a header line over MaxLine
	ReasonBody      Reason = "body-too-long"   // a body over MaxBody
	ReasonVerb      Reason = "unknown-verb"    // a verb this version does not know
	ReasonFrame     Reason = "malformed-frame" // a known verb with fields that do not parse
	ReasonEOF       Reason = "eof"             // the far side closed without a word
	ReasonReset     Reason = "reset"           // the connection broke
	ReasonRefused   Reason = "refused"         // the dial was refused
	ReasonUnreached Reason = "unreachable"     // the dial got no answer
	ReasonSlow      Reason = "slow"            // it took nothing from us for too long
)
