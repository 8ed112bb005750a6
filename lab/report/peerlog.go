package report

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hearsay/lab/fleet"
	"hearsay/lab/fleet/simfleet"
)

// maxLog bounds one peer's log. What comes after that is not written, and the log's last line says so.
const maxLog = 16 << 20

// peerLog is peers/NAME.log: what a peer logged, and between it what was done to it. A simulated peer logs
// nothing; of those the lab writes down what their cores told.
type peerLog struct {
	file  *os.File
	out   *bufio.Writer
	bytes int
	full  bool
}

func (f *Folder) peerLog(e *fleet.Event, at time.Duration) {
	text := logged(e, f.engine == simfleet.Engine)
	if text == "" || e.Peer == 0 {
		return
	}
	l := f.logs[e.Peer]
	if l == nil {
		file, err := os.Create(filepath.Join(f.Dir, dirPeers, fmt.Sprintf("peer-%d.log", e.Peer)))
		if err != nil {
			f.note(err)
			return
		}
		l = &peerLog{file: file, out: bufio.NewWriter(file)}
		f.logs[e.Peer] = l
	}
	if l.full {
		return
	}
	if l.bytes += len(text); l.bytes > maxLog {
		l.full = true
		text = fmt.Sprintf("-- what came after %d bytes was not kept", maxLog)
	}
	_, err := fmt.Fprintf(l.out, "%10.3f  run %d  %s\n", at.Seconds(), e.Run, text)
	f.note(err)
}

// logged is an event as a line of a log.
func logged(e *fleet.Event, simulated bool) string {
	switch e.Kind {
	case fleet.Log:
		return e.Reason
	case fleet.Started, fleet.Paused, fleet.Resumed:
		return "-- " + string(e.Kind)
	case fleet.Ended:
		return "-- ended: " + e.Reason
	case fleet.Missed:
		return fmt.Sprintf("-- %d events could not be listened to", e.Count)
	}
	if !simulated {
		return ""
	}
	switch e.Kind {
	case fleet.LinkUp:
		return fmt.Sprintf("link %s: %.8s", e.Reason, e.Far)
	case fleet.LinkDown:
		return fmt.Sprintf("link lost: %.8s: %s", e.Far, e.Reason)
	case fleet.LinkEager, fleet.LinkLazy:
		return fmt.Sprintf("link %s: %.8s", e.Kind, e.Far)
	case fleet.Rooted:
		return fmt.Sprintf("follows root %.8s", e.Far)
	case fleet.Healed:
		return fmt.Sprintf("healed after %v: %s", e.Took, e.Reason)
	case fleet.Said:
		return fmt.Sprintf("said %s", e.Message.ID)
	}
	return ""
}
