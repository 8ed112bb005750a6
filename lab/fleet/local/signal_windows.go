package local

import (
	"errors"
	"os"

	"hearsay/lab/fleet"
)

// terminate: there is no such signal here. A peer ends, with a goodbye, when its standard input does.
func terminate(*os.Process) error { return errors.ErrUnsupported }
func freeze(*os.Process) error    { return canPause() }
func thaw(*os.Process) error      { return canPause() }

// canPause says why processes cannot be paused here.
func canPause() error {
	return fleet.Cannot("Windows cannot pause a process; Linux, macOS and containers can")
}
