package integration_test

import (
	"testing"
	"time"
)

// poll is how often a condition is looked at.
const poll = 25 * time.Millisecond

// eventually waits until the condition holds, that is, returns nil, and returns how long that took. What takes longer than
// within is a failure, with what the condition last lacked.
func eventually(t testing.TB, within time.Duration, what string, condition func() error) time.Duration {
	t.Helper()
	begun := time.Now()
	for {
		err := condition()
		took := time.Since(begun)
		if err == nil {
			return took
		}
		if took > within {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		time.Sleep(poll)
	}
}

// always watches that the condition holds for the whole of a time, since some promises are that a thing does
// not happen.
func always(t testing.TB, during time.Duration, what string, condition func() error) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < during; time.Sleep(poll) {
		if err := condition(); err != nil {
			t.Fatalf("%s: %v after it began: %v", what, time.Since(begun).Round(time.Millisecond), err)
		}
	}
}
