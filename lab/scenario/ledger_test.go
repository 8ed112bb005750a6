package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearsay/lab/fleet"
)

// book is a ledger under test: three peers that were up at second 0, on a clock in seconds.
type book struct {
	*ledger
	t *testing.T
}

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func second(s float64) time.Time { return zero.Add(time.Duration(s * float64(time.Second))) }

func newBook(t *testing.T) *book {
	b := &book{newLedger(), t}
	for n := 1; n <= 3; n++ {
		b.live(n, 1, 0)
	}
	return b
}

func (b *book) live(peer, run int, at float64) *life {
	l := b.begin(peer, run, second(at), false)
	l.up = second(at)
	return l
}

// say has a peer publish, and be told so.
func (b *book) say(peer int, at float64) *said {
	s := b.speak(b.now[peer], "", 100, second(at))
	b.settle(s, fleet.Published{ID: fmt.Sprintf("id-%d", s.n)}, nil, second(at))
	return s
}

// hears has a peer deliver it, as its publisher's k-th.
func (b *book) hears(peer int, s *said, at float64) {
	b.hear(peer, b.now[peer].run, &fleet.Message{
		ID: fmt.Sprintf("id-%d", s.n), Origin: fmt.Sprint(s.by.peer, s.by.run), Seq: uint64(s.k), Text: s.text(), Hops: 1,
	}, second(at))
}

func (b *book) all(s *said, at float64) {
	for n := range b.now {
		if n != s.by.peer && b.now[n].lives() {
			b.hears(n, s, at)
		}
	}
}

func (b *book) judged(at float64, side func(int) int) *judged {
	if side == nil {
		side = func(int) int { return 0 }
	}
	return b.judge(terms{now: second(at), side: side, retain: defaultRetain, retainBytes: defaultRetainBytes})
}

// TestLedgerCatches plants each kind of violation once, into an exchange in which nothing else is wrong.
func TestLedgerCatches(t *testing.T) {
	for _, test := range []struct {
		name  string
		plant func(b *book, first, second *said)
		want  [3]int // duplicated, out of order, unexpected
		lost  int
		says  string
	}{
		{"nothing", func(b *book, x, y *said) { b.all(x, 1); b.all(y, 2) }, [3]int{}, 0, ""},
		{"lost", func(b *book, x, y *said) { b.all(x, 1); b.hears(2, y, 2) }, [3]int{}, 1, "peer-3 lacks message 2 of peer-1"},
		{"duplicated", func(b *book, x, y *said) { b.all(x, 1); b.all(y, 2); b.hears(3, y, 3) }, [3]int{1, 0, 0}, 0, "peer-3 heard message 2 of peer-1 again"},
		{"out of order", func(b *book, x, y *said) { b.hears(2, y, 2); b.hears(2, x, 2); b.hears(3, x, 2); b.hears(3, y, 2) }, [3]int{0, 1, 0}, 0, "peer-2 heard message 1 of peer-1, its number 1, after its number 2"},
		{"a sequence number again", func(b *book, x, y *said) {
			b.all(x, 1)
			b.hears(3, y, 2)
			b.hear(2, 1, &fleet.Message{ID: "id-2", Origin: "1 1", Seq: 1, Text: y.text()}, second(2))
		}, [3]int{0, 1, 0}, 0, "with sequence number 1 after 1"},
		{"nobody said it", func(b *book, x, y *said) {
			b.all(x, 1)
			b.all(y, 2)
			b.hear(2, 1, &fleet.Message{ID: "id-9", Seq: 9, Text: "#9 peer-1: ......"}, second(3))
		}, [3]int{0, 0, 1}, 0, "which nobody said"},
		{"another text", func(b *book, x, y *said) {
			b.all(x, 1)
			b.all(y, 2)
			b.hear(2, 1, &fleet.Message{ID: "id-2", Seq: 2, Text: y.text() + "!"}, second(3))
		}, [3]int{0, 0, 1}, 0, "which nobody said"},
		{"its own", func(b *book, x, y *said) { b.all(x, 1); b.all(y, 2); b.hears(1, y, 3) }, [3]int{0, 0, 1}, 0, "peer-1 heard its own message 2"},
		{"from before its time", func(b *book, x, y *said) {
			b.all(x, 1)
			b.all(y, 2)
			b.live(4, 1, 9)
			b.hears(4, x, 10)
		}, [3]int{0, 0, 1}, 0, "said 8s before it started"},
		{"another id", func(b *book, x, y *said) {
			b.all(x, 1)
			b.hears(3, y, 2)
			b.hear(2, 1, &fleet.Message{ID: "id-7", Origin: "1 1", Seq: 2, Text: y.text()}, second(2))
		}, [3]int{0, 0, 1}, 0, "as id-7, and it is id-2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook(t)
			x, y := b.say(1, 1), b.say(1, 2)
			test.plant(b, x, y)
			j := b.judged(20, nil)
			var sentences []string
			for i := range b.wrong {
				if got := b.wrong[i].count; got != test.want[i] {
					t.Errorf("wrong of kind %d: %d, want %d: %v", i, got, test.want[i], b.wrong[i].first)
				}
				sentences = append(sentences, b.wrong[i].first...)
			}
			if j.lost != test.lost {
				t.Errorf("%d are lost, want %d: %v", j.lost, test.lost, j.sentences)
			}
			if all := strings.Join(append(sentences, j.sentences...), "\n"); !strings.Contains(all, test.says) {
				t.Errorf("what is said is %q, and not %q", all, test.says)
			}
		})
	}
}

// TestOwed goes through the promise, and its limits.
func TestOwed(t *testing.T) {
	halves := func(peer int) int { return peer / 3 } // 1 and 2; 3
	apart := func(peer int) int { return peer }
	for _, test := range []struct {
		name       string
		do         func(b *book)
		owed, lost int
		side       func(int) int
	}{
		{"to all others that live", func(b *book) { b.say(1, 1) }, 2, 2, nil},
		{"not if it was refused", func(b *book) {
			b.settle(b.speak(b.now[1], "", 50, second(1)), fleet.Published{}, errors.New("busy"), second(1))
		}, 0, 0, nil},
		{"if its fate is unknown, once anybody has it", func(b *book) {
			s := b.speak(b.now[1], "", 50, second(1))
			b.settle(s, fleet.Published{}, errors.New("connection lost"), second(1))
			b.hears(2, s, 1)
		}, 2, 1, nil},
		{"not what dies with its publisher", func(b *book) { b.say(1, 1); b.end(1, 1, second(1.2), false) }, 0, 0, nil},
		{"what one survivor has of the dead", func(b *book) { b.hears(2, b.say(1, 1), 1); b.end(1, 1, second(1.2), false) }, 2, 1, nil},
		{"what nobody has of one who died long after", func(b *book) { b.say(1, 1); b.end(1, 1, second(9), false) }, 2, 2, nil},
		{"what somebody said who then stopped", func(b *book) { b.say(1, 1); b.end(1, 1, second(1.2), true) }, 2, 2, nil},
		{"not to the dead", func(b *book) { b.say(1, 1); b.end(3, 1, second(5), false) }, 1, 1, nil},
		{"not to the paused", func(b *book) { b.say(1, 1); b.now[3].paused = true }, 1, 1, nil},
		{"not to a newcomer", func(b *book) { b.say(1, 1); b.live(4, 1, 2) }, 2, 2, nil},
		{"not to a second life", func(b *book) { b.say(1, 1); b.end(3, 1, second(5), false); b.live(3, 2, 6) }, 1, 1, nil},
		{"not before it is known to be up", func(b *book) {
			b.ledger.begin(4, 1, second(0.5), false)
			b.say(1, 1)
			b.now[4].up = second(2)
		}, 2, 2, nil},
		{"not to a siphoner, nor what only it said", func(b *book) {
			l := b.live(4, 1, 0)
			l.siphoner = true
			b.say(1, 1)
			b.say(4, 2)
		}, 2, 2, nil},
		{"across no cut that lasts", func(b *book) {
			b.cuts = []cut{{from: second(0.5), sides: []func(int) int{halves}}}
			b.say(1, 1)
		}, 1, 1, halves},
		{"all of it from before a cut", func(b *book) {
			b.say(1, 1)
			b.cuts = []cut{{from: second(3)}}
		}, 2, 2, halves},
		{"across a cut that is over", func(b *book) {
			b.cuts = []cut{{from: second(0.5), to: second(9)}}
			b.say(1, 1)
		}, 2, 2, nil},
		{"not what left the window during a cut", func(b *book) {
			b.cuts = []cut{{from: second(0.5), to: second(599), sides: []func(int) int{apart}}}
			b.say(1, 1)
		}, 0, 0, nil},
		{"not what the window had no room for during a cut", func(b *book) {
			b.cuts = []cut{{from: second(0.5), to: second(9), bytes: defaultRetainBytes, sides: []func(int) int{apart}}}
			b.say(1, 1)
		}, 0, 0, nil},
		{"not of one who was killed alone on its side", func(b *book) {
			b.cuts = []cut{{from: second(0.5), to: second(9)}}
			b.say(3, 1)
			b.end(3, 1, second(5), false)
		}, 0, 0, nil},
		{"within one side of a cut, however long it lasts", func(b *book) {
			b.cuts = []cut{{from: second(0.5), to: second(650), sides: []func(int) int{halves}}}
			b.say(1, 1)
		}, 1, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook(t)
			test.do(b)
			if j := b.judged(700, test.side); j.owed != test.owed || j.lost != test.lost {
				t.Errorf("%d deliveries are owed and %d of them lost, want %d and %d: %v", j.owed, j.lost, test.owed, test.lost, j.sentences)
			}
		})
	}
}

// TestMissing wants the quick look, which skips what is everywhere, to say what the whole judgement says.
func TestMissing(t *testing.T) {
	b := newBook(t)
	look := func(want string) {
		t.Helper()
		tm := terms{now: second(20), side: func(int) int { return 0 }, retain: defaultRetain, retainBytes: defaultRetainBytes}
		if got := b.missing(tm); got != want {
			t.Errorf("missing is %q, want %q", got, want)
		}
	}
	look("")
	x, y, z := b.say(1, 1), b.say(2, 2), b.say(1, 3)
	look("6 deliveries are missing: peer-2 lacks message 1 of peer-1")
	b.all(x, 4)
	b.hears(1, y, 4)
	look("3 deliveries are missing: peer-3 lacks message 2 of peer-2")
	b.now[3].paused = true
	look("1 deliveries are missing: peer-2 lacks message 3 of peer-1")
	b.hears(2, z, 5)
	look("")
	b.now[3].paused = false // it wakes up, and is owed all of it again
	look("2 deliveries are missing: peer-3 lacks message 2 of peer-2")
	b.hears(3, y, 6)
	b.hears(3, z, 6)
	look("")
	if b.whole != 3 {
		t.Errorf("%d messages are known to be everywhere, want 3", b.whole)
	}
}

func TestSentencesAreBounded(t *testing.T) {
	b := newBook(t)
	s := b.say(1, 1)
	for range 3 * maxWrong {
		b.hears(2, s, 2)
	}
	if w := b.wrong[duplicated]; w.count != 3*maxWrong-1 || len(w.first) != maxWrong {
		t.Errorf("%d are counted and %d told", w.count, len(w.first))
	}
}
