package wire

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
)

var (
	errID        = errors.New("an id is 32 lower-case hex digits")
	errMessageID = errors.New("a message id is an id, a dot, an epoch of 1 to 16 lower-case hex digits, a dot and a sequence number from 1")
)

// maxOrigin is the longest Origin in bytes: an ID, a dot and an epoch.
const maxOrigin = IDLen + 1 + 16

// NewID draws an ID.
func NewID(r *rand.Rand) ID {
	b := make([]byte, 0, IDLen)
	return ID(appendHex64(appendHex64(b, r.Uint64()), r.Uint64()))
}

// ParseID checks that s is an ID.
func ParseID(s string) (ID, error) {
	if !isID([]byte(s)) {
		return "", errID
	}
	return ID(s), nil
}

func isID(b []byte) bool { return len(b) == IDLen && isHex(b) }

// NewOrigin names a run of the publisher id that began at epoch: any number that differs from run to
// run, such as the time of the start.
func NewOrigin(id ID, epoch uint64) Origin {
	return Origin(string(id) + "." + strconv.FormatUint(epoch, 16))
}

// ID is the publisher's.
func (o Origin) ID() ID { return ID(o[:min(IDLen, len(o))]) }

// isOrigin also refuses an epoch with leading zeros: origins are compared as strings, so one origin
// must not have two.
func isOrigin(b []byte) bool {
	return len(b) > IDLen+1 && len(b) <= maxOrigin && b[IDLen] == '.' &&
		(b[IDLen+1] != '0' || len(b) == IDLen+2) &&
		isHex(b[:IDLen]) && isHex(b[IDLen+1:])
}

// MessageID is a message's name for people and traces: its origin, a dot and its sequence number.
func MessageID(o Origin, seq uint64) string {
	return string(o) + "." + strconv.FormatUint(seq, 10)
}

// ParseMessageID takes a MessageID apart.
func ParseMessageID(s string) (Origin, uint64, error) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 || len(s) > maxOrigin+21 || !isOrigin([]byte(s[:dot])) {
		return "", 0, errMessageID
	}
	seq, ok := parseNumber([]byte(s[dot+1:]))
	if !ok || seq == 0 || seq > MaxSeq {
		return "", 0, errMessageID
	}
	return Origin(s[:dot]), seq, nil
}
