package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// A standard error that nobody reads stops nobody, and once somebody does, it says how much is missing.
func TestUnreadLog(t *testing.T) {
	r, out := io.Pipe()
	w := startLogWriter(out)
	line := strings.Repeat("x", 1023) + "\n"
	const lines = 3 * logBytes / 1024
	for range lines {
		fmt.Fprint(w, line)
	}
	begin := time.Now()
	if w.close(10 * time.Millisecond); time.Since(begin) > time.Second {
		t.Error("waited for a reader that is not there")
	}
	go func() {
		<-w.done
		out.Close()
	}()
	read, missed, said := 0, 0, 0
	for s := bufio.NewScanner(r); s.Scan(); {
		if _, count, ok := strings.Cut(s.Text(), "missing\" lines="); ok {
			fmt.Sscan(count, &said)
			missed += said
		} else {
			read++
		}
	}
	if read < logBytes/1024 || missed == 0 || read+missed != lines {
		t.Errorf("read %d lines and heard that %d are missing, of %d", read, missed, lines)
	}
}
