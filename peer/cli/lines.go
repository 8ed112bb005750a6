package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"hearsay/peer/node"
	"hearsay/peer/wire"
)

// linesAtOnce is how many lines that have already arrived are published together.
const linesAtOnce = 256

// publishLines publishes each line of in. Its end is not the peer's. A line that is too long is named
// and left out, whole.
func publishLines(ctx context.Context, n *node.Node, in io.Reader, log *slog.Logger) {
	r := bufio.NewReaderSize(in, 64<<10)
	number := 0
	for {
		var lines [][]byte
		var readErr error
		for len(lines) < linesAtOnce {
			line, size, err := readLine(r)
			if err != nil && size == 0 {
				readErr = err
				break
			}
			number++
			if size > wire.MaxBody {
				log.Error("a line of standard input is too long and was not published", "line", number, "bytes", size, "limit", wire.MaxBody)
			} else {
				lines = append(lines, line)
			}
			if readErr = err; err != nil || !lineWaits(r) {
				break
			}
		}
		if accepted, err := n.PublishAll(ctx, lines); err != nil {
			if left := len(lines) - len(accepted); left > 0 {
				log.Warn("lines of standard input were not published", "lines", left, "err", err)
			}
			return
		}
		if readErr != nil {
			if !errors.Is(readErr, io.EOF) {
				log.Warn("standard input", "err", readErr)
			}
			return
		}
	}
}

// lineWaits reports whether a whole line can be read without waiting.
func lineWaits(r *bufio.Reader) bool {
	waiting, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}

// readLine returns the next line without its end, and its size, which counts also what was thrown away
// beyond the longest body. At the end of input the last line may come with the error.
func readLine(r *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += len(part)
		if room := wire.MaxBody + 2 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil {
			size--
			line = bytes.TrimSuffix(line, []byte{'\n'})
		}
		if trimmed, ok := bytes.CutSuffix(line, []byte{'\r'}); ok && size == len(line) {
			line, size = trimmed, size-1
		}
		return line, size, err
	}
}
