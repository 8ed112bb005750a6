package local

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hearsay/lab/fleet"
	"hearsay/peer/api"
)

// Who is killed leaves nothing behind by which others would look for it.
func TestTheKilledLeaveNoNotes(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	m := newMesh(t, 3, nil)
	dir, err := api.NoteDir()
	if err != nil {
		t.Fatal(err)
	}
	note := func(n int) string {
		return filepath.Join(dir, fmt.Sprintf("peer-%d", m.List[n-1].Run.cmd.Process.Pid))
	}
	m.until(20*time.Second, "everybody has left a note", func([]fleet.Event) error {
		for n := 1; n <= 3; n++ {
			if _, err := os.Stat(note(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := m.Kill(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(note(2)); !os.IsNotExist(err) {
		t.Errorf("the killed one's note: %v", err)
	}
	if _, err := os.Stat(note(1)); err != nil {
		t.Errorf("a living one's note: %v", err)
	}
}
