// Package planted has the bugs that are put into the protocol on purpose, one at a time, to see that the
// checkers of the simulator find them: a checker that was never seen to fail proves nothing.
//
// Each bug is one call of On in the core. In a normal build On is false at compile time, and the compiler
// leaves out what depends on it. With the build tag planted it is a variable, which is set before peers run:
//
//	go test -tags planted ./lab/sim/check
//	go run -tags planted ./lab sim check --planted never-bridge
package planted

// Bug names one.
type Bug uint8

// The bugs. None is none.
const (
	None Bug = iota
	DropMessage
	DeliverTwice
	SwapDeliveries
	CorruptResent
	ReuseSequence
	NoGraft
	NoCatchUp
	NoMarks
	NeverPrune
	KeepTooMuch
	KeepTooLong
	PurgePassive
	SecondLink
	IgnoreCapacity
	TurnAway
	ServeSiphoners
	NeverBridge
	NeverProbe
	NeverElect
	NeverNotice
	NeverReplace
	NeverQuiet
	count
)

// Info is what a person may know of a bug.
type Info struct {
	Bug        Bug
	Name, What string
}

var infos = [...]Info{
	{DropMessage, "drop-message", "one delivery in a thousand is forgotten"},
	{DeliverTwice, "deliver-twice", "a second copy is delivered too"},
	{SwapDeliveries, "swap-deliveries", "two messages that are delivered together come in the wrong order"},
	{CorruptResent, "corrupt-resent", "what is sent again from the log has one byte changed"},
	{ReuseSequence, "reuse-sequence", "one message in fifty gets the number of the one before"},
	{NoGraft, "no-graft", "what was announced and does not come is never grafted"},
	{NoCatchUp, "no-catch-up", "a new link's version vector is ignored"},
	{NoMarks, "no-marks", "lazy links are told nothing"},
	{NeverPrune, "never-prune", "second copies prune nothing"},
	{KeepTooMuch, "keep-too-much", "the log grows beyond its bytes"},
	{KeepTooLong, "keep-too-long", "the log keeps what has expired"},
	{PurgePassive, "purge-passive", "a failed dial purges the candidate"},
	{SecondLink, "second-link", "a second link of a pair is accepted"},
	{IgnoreCapacity, "ignore-capacity", "a full peer accepts one more"},
	{TurnAway, "turn-away", "a full peer makes no room for a newcomer"},
	{ServeSiphoners, "serve-siphoners", "peers that nobody can dial get all the slots they want"},
	{NeverBridge, "never-bridge", "another part's root is ignored"},
	{NeverProbe, "never-probe", "nobody looks for another part where multicast does not pass"},
	{NeverElect, "never-elect", "a root that has died is followed for ever"},
	{NeverNotice, "never-notice", "a link may be silent for ever"},
	{NeverReplace, "never-replace", "a lost link is not replaced"},
	{NeverQuiet, "never-quiet", "announcements never become rarer"},
}

// All lists the bugs.
func All() []Info { return infos[:] }

// Named finds a bug by its name.
func Named(name string) (Bug, bool) {
	for _, i := range infos {
		if i.Name == name {
			return i.Bug, true
		}
	}
	return None, false
}

func (b Bug) String() string {
	for _, i := range infos {
		if i.Bug == b {
			return i.Name
		}
	}
	return "none"
}
