package wire

import (
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

// The generators draw values that are legal and often extreme.

var (
	genHex32 = rapid.StringMatching(`[0-9a-f]{32}`)
	genID    = rapid.Map(genHex32, func(s string) ID { return ID(s) })
	genName  = rapid.StringMatching(`[!-~]{2,63}|[a-z]`)
	genSeq   = rapid.OneOf(rapid.Uint64Range(1, 20), rapid.Uint64Range(1, MaxSeq), rapid.Just[uint64](MaxSeq))
	genSlot  = rapid.IntRange(0, MaxSlots)
	genTime  = rapid.Map(rapid.Int64Range(0, int64(MaxTime/time.Millisecond)), func(ms int64) time.Duration {
		return time.Duration(ms) * time.Millisecond
	})
	genOrigin = rapid.Custom(func(t *rapid.T) Origin {
		return NewOrigin(genID.Draw(t, "id"), rapid.Uint64().Draw(t, "epoch"))
	})
	genSlots = rapid.Custom(func(t *rapid.T) Slots {
		return Slots{genSlot.Draw(t, "out"), genSlot.Draw(t, "links"), genSlot.Draw(t, "in"), genSlot.Draw(t, "serve")}
	})
	genContext = rapid.Custom(func(t *rapid.T) (c Context) {
		if rapid.Bool().Draw(t, "none") {
			return Context{}
		}
		copy(c.Trace[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace"))
		copy(c.Span[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span"))
		c.Sampled = rapid.Bool().Draw(t, "sampled")
		if !c.Valid() {
			return Context{}
		}
		return c
	})
	genAddr = rapid.Custom(func(t *rapid.T) netip.AddrPort {
		port := rapid.Uint16Range(1, 65535).Draw(t, "port")
		n := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		ip, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "ip"))
		addr := netip.AddrPortFrom(ip, port)
		if !sendable(addr) {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), port)
		}
		return addr
	})
	genCandidate = rapid.Custom(func(t *rapid.T) Candidate {
		return Candidate{genID.Draw(t, "id"), genName.Draw(t, "name"), genAddr.Draw(t, "addr"), genSlot.Draw(t, "free")}
	})
	genMark = rapid.Custom(func(t *rapid.T) Mark {
		return Mark{genOrigin.Draw(t, "origin"), genSeq.Draw(t, "seq") - 1}
	})
	genRange = rapid.Custom(func(t *rapid.T) Range {
		a, b := genSeq.Draw(t, "a"), genSeq.Draw(t, "b")
		return Range{genOrigin.Draw(t, "origin"), min(a, b), max(a, b)}
	})
	genReason = rapid.SampledFrom(Reasons())
)

// genList is a list of up to most, nil when empty, as it is decoded.
func genList[T any](g *rapid.Generator[T], most int) *rapid.Generator[[]T] {
	return rapid.Map(rapid.SliceOfN(g, 0, most), func(list []T) []T {
		if len(list) == 0 {
			return nil
		}
		return list
	})
}

// genRoot is a root and a beacon, or neither.
func genRoot(t *rapid.T) (ID, uint64) {
	if rapid.Bool().Draw(t, "rootless") {
		return "", 0
	}
	return genID.Draw(t, "root"), genSeq.Draw(t, "beacon")
}

var (
	genHello = rapid.Custom(func(t *rapid.T) *Hello {
		root, seq := genRoot(t)
		return &Hello{
			Version: Version, ID: genID.Draw(t, "id"), Name: genName.Draw(t, "name"),
			Port: rapid.Uint16Range(MinPort, 65535).Draw(t, "port"), Slots: genSlots.Draw(t, "slots"),
			Root: root, RootSeq: seq, Uptime: genTime.Draw(t, "uptime"),
			Purpose: Purpose(rapid.IntRange(0, len(purposes)-1).Draw(t, "purpose")), Context: genContext.Draw(t, "context"),
		}
	})
	genAnnouncement = rapid.Custom(func(t *rapid.T) Announcement {
		root, seq := genRoot(t)
		state := rapid.IntRange(0, 2).Draw(t, "state")
		return Announcement{
			ID: genID.Draw(t, "id"), Name: genName.Draw(t, "name"),
			Port: rapid.Uint16Range(MinPort, 65535).Draw(t, "port"), Slots: genSlots.Draw(t, "slots"),
			Root: root, RootSeq: seq, Seeking: state == 1, Leaving: state == 2, Context: genContext.Draw(t, "context"),
		}
	})
	genControl = rapid.Custom(func(t *rapid.T) Frame {
		nonce := rapid.Uint64().Draw(t, "nonce")
		switch v := Verb(rapid.IntRange(int(VerbHello), int(VerbGone)).Draw(t, "verb")); v {
		case VerbHello:
			return Frame{Verb: v, Control: genHello.Draw(t, "hello")}
		case VerbRefer:
			return Frame{Verb: v, Control: &Refer{genReason.Draw(t, "reason"), genList(genCandidate, MaxCandidates).Draw(t, "list")}}
		case VerbClose:
			return Frame{Verb: v, Control: &Close{genReason.Draw(t, "reason")}}
		case VerbPing:
			return Frame{Verb: v, Control: &Ping{nonce, genSlots.Draw(t, "slots")}}
		case VerbPong:
			return Frame{Verb: v, Control: &Pong{nonce}}
		case VerbRoot:
			return Frame{Verb: v, Control: &Root{genID.Draw(t, "id"), genSeq.Draw(t, "seq") - 1}}
		case VerbShuffle:
			return Frame{Verb: v, Control: &Shuffle{rapid.IntRange(0, MaxTTL).Draw(t, "ttl"), genList(genCandidate, MaxCandidates).Draw(t, "list")}}
		case VerbShuffleReply:
			return Frame{Verb: v, Control: &ShuffleReply{genList(genCandidate, MaxCandidates).Draw(t, "list")}}
		case VerbIHave:
			return Frame{Verb: v, Control: &IHave{genList(genMark, MaxMarks).Draw(t, "list")}}
		case VerbGraft:
			return Frame{Verb: v, Control: &Graft{genTime.Draw(t, "uptime"), genList(genRange, MaxMarks).Draw(t, "list")}}
		case VerbHave:
			return Frame{Verb: v, Control: &Have{genList(genMark, MaxMarks).Draw(t, "list"), rapid.Bool().Draw(t, "more")}}
		case VerbWant:
			return Frame{Verb: v, Control: &Want{genTime.Draw(t, "uptime"), genList(genRange, MaxMarks).Draw(t, "list")}}
		case VerbGone:
			return Frame{Verb: v, Control: &Gone{genRange.Draw(t, "range"), rapid.Bool().Draw(t, "old")}}
		case VerbWelcome, VerbPrune:
			return Frame{Verb: v}
		}
		return Frame{Verb: VerbPrune} // MSG has a test of its own
	})
)
