package wire

// The encoders append one frame to b and return the longer slice, as append does. What came from the
// network was checked when it was decoded, so a value that no decoder would take is our bug, and they
// panic with a sentence: a malformed ID, name or Origin, a sequence number of zero or over MaxSeq, a
// list over MaxCandidates or MaxMarks. Numbers that merely grow too high (times, hops, slots) are cut
// to their limits, which numbers.go names.

// AppendHello appends a HELLO frame.
func AppendHello(b []byte, h Hello) []byte {
	b = append(b, "HELLO "...)
	b = appendNumber(b, uint64(h.Version))
	b = append(b, ' ')
	b = appendSelf(b, h.ID, h.Name, h.Port, h.Slots, h.Root, h.RootSeq)
	b = append(b, ' ')
	b = appendTime(b, h.Uptime)
	b = append(b, ' ')
	b = append(b, purposes[h.Purpose]...)
	b = append(b, ' ')
	b = h.Context.AppendTo(b)
	return append(b, '\n')
}

// AppendWelcome appends a WELCOME frame.
func AppendWelcome(b []byte) []byte { return append(b, "WELCOME\n"...) }

// AppendRefer appends a REFER frame. It has at most MaxCandidates, and leaves out those whose address
// nobody else could dial.
func AppendRefer(b []byte, r Refer) []byte {
	b = append(b, "REFER "...)
	b = appendReason(b, r.Reason)
	b = appendCandidates(b, r.Candidates)
	return append(b, '\n')
}

// AppendClose appends a CLOSE frame.
func AppendClose(b []byte, c Close) []byte {
	b = append(b, "CLOSE "...)
	b = appendReason(b, c.Reason)
	return append(b, '\n')
}

// AppendPing appends a PING frame.
func AppendPing(b []byte, p Ping) []byte {
	b = append(b, "PING "...)
	b = appendNumber(b, p.Nonce)
	b = append(b, ' ')
	b = appendSlots(b, p.Slots)
	return append(b, '\n')
}

// AppendPong appends a PONG frame.
func AppendPong(b []byte, p Pong) []byte {
	b = append(b, "PONG "...)
	b = appendNumber(b, p.Nonce)
	return append(b, '\n')
}

// AppendRoot appends a ROOT frame.
func AppendRoot(b []byte, r Root) []byte {
	b = append(b, "ROOT "...)
	b = appendID(b, r.ID)
	b = append(b, ' ')
	b = appendSeq(b, r.Seq, 0)
	return append(b, '\n')
}

// AppendShuffle appends a SHUFFLE frame; its candidates are as in AppendRefer.
func AppendShuffle(b []byte, s Shuffle) []byte {
	if s.TTL < 0 || s.TTL > MaxTTL {
		panic("wire: a shuffle's TTL is 0 to 6")
	}
	b = append(b, "SHUFFLE "...)
	b = appendNumber(b, uint64(s.TTL))
	b = appendCandidates(b, s.Candidates)
	return append(b, '\n')
}

// AppendShuffleReply appends a SHUFFLEREPLY frame; its candidates are as in AppendRefer.
func AppendShuffleReply(b []byte, s ShuffleReply) []byte {
	b = append(b, "SHUFFLEREPLY"...)
	b = appendCandidates(b, s.Candidates)
	return append(b, '\n')
}

// AppendIHave appends an IHAVE frame of at most MaxMarks.
func AppendIHave(b []byte, h IHave) []byte {
	b = append(b, "IHAVE"...)
	b = appendMarks(b, h.Marks)
	return append(b, '\n')
}

// AppendGraft appends a GRAFT frame of at most MaxMarks ranges.
func AppendGraft(b []byte, g Graft) []byte {
	b = append(b, "GRAFT "...)
	b = appendTime(b, g.Uptime)
	b = appendRanges(b, g.Ranges)
	return append(b, '\n')
}

// AppendPrune appends a PRUNE frame.
func AppendPrune(b []byte) []byte { return append(b, "PRUNE\n"...) }

// AppendHave appends a HAVE frame of at most MaxMarks.
func AppendHave(b []byte, h Have) []byte {
	if h.More {
		b = append(b, "HAVE more"...)
	} else {
		b = append(b, "HAVE last"...)
	}
	b = appendMarks(b, h.Marks)
	return append(b, '\n')
}

// AppendWant appends a WANT frame of at most MaxMarks ranges.
func AppendWant(b []byte, w Want) []byte {
	b = append(b, "WANT "...)
	b = appendTime(b, w.Uptime)
	b = appendRanges(b, w.Ranges)
	return append(b, '\n')
}

// AppendGone appends a GONE frame.
func AppendGone(b []byte, g Gone) []byte {
	if g.Old {
		b = append(b, "GONE old"...)
	} else {
		b = append(b, "GONE lost"...)
	}
	b = appendRange(b, g.Range)
	return append(b, '\n')
}

// AppendFrame appends the frame f as it was decoded. Those who know which frame they send have a
// function for it above; this one is for those who pass frames on, such as tests.
func AppendFrame(b []byte, f *Frame) []byte {
	switch v := f.Control.(type) {
	case *Hello:
		return AppendHello(b, *v)
	case *Refer:
		return AppendRefer(b, *v)
	case *Close:
		return AppendClose(b, *v)
	case *Ping:
		return AppendPing(b, *v)
	case *Pong:
		return AppendPong(b, *v)
	case *Root:
		return AppendRoot(b, *v)
	case *Shuffle:
		return AppendShuffle(b, *v)
	case *ShuffleReply:
		return AppendShuffleReply(b, *v)
	case *IHave:
		return AppendIHave(b, *v)
	case *Graft:
		return AppendGraft(b, *v)
	case *Have:
		return AppendHave(b, *v)
	case *Want:
		return AppendWant(b, *v)
	case *Gone:
		return AppendGone(b, *v)
	}
	switch f.Verb {
	case VerbMsg:
		return append(AppendMsgHead(b, f.Msg.Age, f.Msg.Hops, f.Msg.Span), f.Msg.Tail...)
	case VerbWelcome:
		return AppendWelcome(b)
	case VerbPrune:
		return AppendPrune(b)
	}
	panic("wire: a frame without a verb")
}
