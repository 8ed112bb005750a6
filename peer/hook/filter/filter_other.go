//go:build !linux

package filter

import (
	"errors"
	"time"
)

// Set is Linux's alone: the namespaces of containers are.
func Set([]string, []Drop) error { return errors.ErrUnsupported }

// Clear is Linux's alone.
func Clear() error { return errors.ErrUnsupported }

// SetDelay is Linux's alone.
func SetDelay(string, time.Duration, time.Duration) error { return errors.ErrUnsupported }
