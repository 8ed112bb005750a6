package discovery

import (
	"errors"

	"golang.org/x/sys/windows"
)

// tooLong recognises a datagram that did not fit the buffer, which is an error on Windows.
func tooLong(err error) bool { return errors.Is(err, windows.WSAEMSGSIZE) }
