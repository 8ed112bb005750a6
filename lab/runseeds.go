package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// seeds are those from first to last, written 1..100.
type seeds struct {
	set         bool
	first, last uint64
}

// maxSeeds bounds how many are run by one command.
const maxSeeds = 1_000_000

// UnmarshalText makes seeds the value of a flag.
func (s *seeds) UnmarshalText(b []byte) error {
	first, last, two := strings.Cut(string(b), "..")
	var errs [2]error
	s.first, errs[0] = strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	s.last, errs[1] = strconv.ParseUint(strings.TrimSpace(last), 10, 64)
	if !two || errors.Join(errs[:]...) != nil || s.last < s.first || s.last-s.first >= maxSeeds {
		return fmt.Errorf("%q are no seeds: write them as 1..100 (up to %d of them)", b, maxSeeds)
	}
	s.set = true
	return nil
}
