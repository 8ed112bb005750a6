package wire

// verbs are the first words of frames, by Verb.
var verbs = [...]string{
	VerbNone:         "-",
	VerbHello:        "HELLO",
	VerbWelcome:      "WELCOME",
	VerbRefer:        "REFER",
	VerbClose:        "CLOSE",
	VerbPing:         "PING",
	VerbPong:         "PONG",
	VerbRoot:         "ROOT",
	VerbShuffle:      "SHUFFLE",
	VerbShuffleReply: "SHUFFLEREPLY",
	VerbMsg:          "MSG",
	VerbIHave:        "IHAVE",
	VerbGraft:        "GRAFT",
	VerbPrune:        "PRUNE",
	VerbHave:         "HAVE",
	VerbWant:         "WANT",
	VerbGone:         "GONE",
}

// String is the verb as it stands on the wire; "-" for none.
func (v Verb) String() string {
	if int(v) >= len(verbs) {
		return verbs[VerbNone]
	}
	return verbs[v]
}

// purposes are the words of HELLO's purpose, by Purpose.
var purposes = [...]string{
	PurposeLink:   "link",
	PurposeUrgent: "urgent",
	PurposeBridge: "bridge",
	PurposeProbe:  "probe",
	PurposeVerify: "verify",
}

// String is the purpose as it stands on the wire; "-" for a value that is none.
func (p Purpose) String() string {
	if int(p) >= len(purposes) {
		return "-"
	}
	return purposes[p]
}

// reasons are all the words that CLOSE and REFER may carry. The set is closed, since peers count by
// reason and a stranger must not be able to make them keep new counters.
var reasons = [...]Reason{
	ReasonGoodbye, ReasonFull, ReasonRoom, ReasonRotate, ReasonDuplicate, ReasonReplaced, ReasonSelf,
	ReasonVersion, ReasonSiphoner, ReasonProbed, ReasonTimeout, ReasonHandshake, ReasonBusy, ReasonLine,
	ReasonBody, ReasonVerb, ReasonFrame, ReasonEOF, ReasonReset, ReasonRefused, ReasonUnreached, ReasonSlow,
}

// Reasons is every reason there is, for whoever keeps a counter for each.
func Reasons() []Reason { return append([]Reason(nil), reasons[:]...) }
