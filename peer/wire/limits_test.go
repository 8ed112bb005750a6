package wire

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The longest values there are.
var (
	longID      = ID(strings.Repeat("f", IDLen))
	longOrigin  = NewOrigin(longID, math.MaxUint64)
	longName    = strings.Repeat("n", MaxName)
	longContext = NewContext(rand.New(rand.NewPCG(1, 1)), true)
	longSlots   = Slots{MaxSlots, MaxSlots, MaxSlots, MaxSlots}
	longAddr    = netip.MustParseAddrPort("[fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
)

// Every frame fits its line with every field at its longest, so that an encoder that keeps the limits
// of lists keeps those of lines.
func TestLongestFramesFit(t *testing.T) {
	candidates := make([]Candidate, MaxCandidates)
	marks := make([]Mark, MaxMarks)
	ranges := make([]Range, MaxMarks)
	for i := range candidates {
		candidates[i] = Candidate{longID, longName, longAddr, MaxSlots}
	}
	for i := range marks {
		marks[i] = Mark{longOrigin, MaxSeq}
		ranges[i] = Range{longOrigin, MaxSeq, MaxSeq}
	}
	head := AppendMsgHead(nil, math.MaxInt64, math.MaxInt, longContext.Span)
	body := []byte(strings.Repeat("b", MaxBody))
	for _, buf := range [][]byte{
		AppendHello(nil, Hello{Version, longID, longName, 65535, longSlots, longID, MaxSeq, math.MaxInt64, PurposeUrgent, longContext}),
		AppendRefer(nil, Refer{ReasonHandshake, candidates}),
		AppendShuffle(nil, Shuffle{MaxTTL, candidates}),
		AppendShuffleReply(nil, ShuffleReply{candidates}),
		AppendIHave(nil, IHave{marks}),
		AppendGraft(nil, Graft{math.MaxInt64, ranges}),
		AppendHave(nil, Have{marks, true}),
		AppendWant(nil, Want{math.MaxInt64, ranges}),
		AppendMsgTail(head, longOrigin, MaxSeq, MaxSeq, longName, longContext, body),
	} {
		line, _, _ := strings.Cut(string(buf), "\n")
		if len(line)+1 > MaxLine {
			t.Errorf("a line of %d bytes: %s", len(line)+1, line)
		}
		if len(buf) > MaxFrame {
			t.Errorf("a frame of %d bytes: %s", len(buf), line)
		}
		var f Frame
		if n, err := Decode(buf, &f); n != len(buf) || err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	a := AppendAnnouncement(nil, Announcement{longID, longName, 65535, longSlots, longID, MaxSeq, true, false, longContext})
	if len(a) > MaxAnnouncement {
		t.Errorf("an announcement of %d bytes", len(a))
	}
	t.Logf("the longest announcement has %d of %d bytes", len(a), MaxAnnouncement)
}

// What only grows too high is cut to its limit.
func TestEncodersCut(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{string(AppendPing(nil, Ping{0, Slots{-1, 256, 1 << 40, 0}})), "PING 0 0/255 255/0\n"},
		{string(AppendMsgHead(nil, -time.Second, 1, SpanID{})), "MSG 0 1 - "},
		{string(AppendMsgHead(nil, math.MaxInt64, 1<<30, SpanID{})), "MSG 999999999999 9999 - "},
		{string(AppendMsgHead(nil, 1999*time.Microsecond, 1, SpanID{})), "MSG 1 1 - "},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// Candidates that mean nothing to others are left out, and the rest is made canonical.
func TestCandidatesThatOthersCannotDial(t *testing.T) {
	var list []Candidate
	for _, addr := range []string{"0.0.0.0:49152", "239.1.2.3:49152", "10.0.0.1:0", "[::ffff:10.0.0.2]:49152", "[fe80::1%eth0]:49152"} {
		list = append(list, Candidate{ID: idA, Name: "p", Addr: netip.MustParseAddrPort(addr)})
	}
	list = append(list, Candidate{ID: idA, Name: "p"})
	got := string(AppendShuffleReply(nil, ShuffleReply{list}))
	want := "SHUFFLEREPLY " + idA + " p 10.0.0.2:49152 0 " + idA + " p [fe80::1]:49152 0\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What no decoder would take is our bug.
func TestEncodersPanic(t *testing.T) {
	hello := Hello{Version: Version, ID: longID, Name: "p", Port: MinPort}
	with := func(change func(*Hello)) func() {
		h := hello
		change(&h)
		return func() { AppendHello(nil, h) }
	}
	AppendHello(nil, hello)
	tail := func(o Origin, seq, low uint64, name string, body []byte) func() {
		return func() { AppendMsgTail(nil, o, seq, low, name, Context{}, body) }
	}
	for what, f := range map[string]func(){
		"id":         with(func(h *Hello) { h.ID = "a" }),
		"root":       with(func(h *Hello) { h.Root = "a" }),
		"name":       with(func(h *Hello) { h.Name = "a b" }),
		"port":       with(func(h *Hello) { h.Port = 80 }),
		"purpose":    with(func(h *Hello) { h.Purpose = 9 }),
		"reason":     func() { AppendClose(nil, Close{"because"}) },
		"ttl":        func() { AppendShuffle(nil, Shuffle{TTL: 7}) },
		"candidates": func() { AppendRefer(nil, Refer{ReasonFull, make([]Candidate, MaxCandidates+1)}) },
		"marks":      func() { AppendIHave(nil, IHave{make([]Mark, MaxMarks+1)}) },
		"ranges":     func() { AppendWant(nil, Want{0, make([]Range, MaxMarks+1)}) },
		"range":      func() { AppendGone(nil, Gone{Range{longOrigin, 2, 1}, true}) },
		"hops":       func() { AppendMsgHead(nil, 0, 0, SpanID{}) },
		"origin":     tail("o", 1, 1, "p", nil),
		"seq":        tail(longOrigin, 0, 0, "p", nil),
		"high seq":   tail(longOrigin, MaxSeq+1, 1, "p", nil),
		"low":        tail(longOrigin, 1, 2, "p", nil),
		"no low":     tail(longOrigin, 1, 0, "p", nil),
		"no name":    tail(longOrigin, 1, 1, "", nil),
		"body":       tail(longOrigin, 1, 1, "p", make([]byte, MaxBody+1)),
		"no frame":   func() { AppendFrame(nil, &Frame{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}

// A message costs the garbage collector nothing, in or out.
func TestMessagesDoNotAllocate(t *testing.T) {
	buf, out := sampleMsg(true), make([]byte, 0, 1024)
	var f Frame
	for what, call := range map[string]func(){
		"decode": func() {
			if n, _ := Decode(buf, &f); n == 0 {
				t.Fatal("not decoded")
			}
		},
		"decode a part": func() {
			if n, err := Decode(buf[:len(buf)-1], &f); n != 0 || err != nil {
				t.Fatal("decoded")
			}
		},
		"encode": func() {
			out = AppendMsgTail(AppendMsgHead(out[:0], time.Second, 1, longContext.Span), longOrigin, 2, 1, longName, longContext, buf)
		},
		"ping": func() { out = AppendPing(out[:0], Ping{7, longSlots}) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}
