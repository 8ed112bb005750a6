package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
	"unicode"
	"unicode/utf8"

	"hearsay/peer/api"
	"hearsay/peer/node"
)

// printer writes deliveries to standard output.
type printer struct {
	log  *slog.Logger
	done chan struct{}
	err  error // why standard output can no longer be written; to be read after done
}

// startPrinter prints every message that is delivered from another peer until the node closes. When
// standard output can no longer be written, it calls stop: a peer that was asked to print and cannot is
// of no use.
func startPrinter(n *node.Node, out io.Writer, asJSON bool, log *slog.Logger, stop func()) *printer {
	p := &printer{log: log, done: make(chan struct{})}
	sub := n.Subscribe()
	w := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	go func() {
		defer close(p.done)
		for {
			batch, err := sub.Next(context.Background())
			if errors.Is(err, node.ErrSlow) {
				log.Error("standard output is not read fast enough: messages were delivered that it does not show")
				sub = n.Subscribe()
				continue
			}
			if err != nil {
				return
			}
			for i := range batch {
				m := &batch[i]
				if asJSON {
					err = enc.Encode(api.ToMessage(m))
				} else {
					w.WriteString(m.Name)
					w.WriteString(": ")
					w.Write(appendEscaped(w.AvailableBuffer(), m.Text))
					err = w.WriteByte('\n')
				}
			}
			if err = errors.Join(err, w.Flush()); err != nil {
				p.err = fmt.Errorf("standard output: %w", err)
				stop()
				return
			}
		}
	}()
	return p
}

// wait returns once everything is printed, after the node was closed; or after flushFor, if nobody reads.
func (p *printer) wait() error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(flushFor):
		p.log.Error("standard output is not read: messages were delivered that it does not show")
		return nil
	}
}

// appendEscaped appends text so that it stays on its line and cannot drive a terminal: control
// characters, and characters that reorder a line, as \n, \t, \xNN or \uNNNN; bytes that are not UTF-8
// as \xNN.
func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	for len(text) > 0 {
		if n := plain(text); n > 0 {
			dst, text = append(dst, text[:n]...), text[n:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == utf8.RuneError && size == 1, r < 0x80 && unicode.IsControl(r):
			dst = append(dst, '\\', 'x', hex[text[0]>>4], hex[text[0]&15])
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

// plain is how many bytes at the beginning of text are printable ASCII: nearly all, nearly always.
func plain(text []byte) int {
	for i, c := range text {
		if c < ' ' || c > '~' {
			return i
		}
	}
	return len(text)
}
