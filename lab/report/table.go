package report

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/scenario"
)

// maxDeliveries bounds deliveries.csv: what a spreadsheet opens.
const maxDeliveries = 1_000_000

var (
	messageHead = []string{"number", "id", "trace_id", "peer", "run", "said_ms", "accepted", "bytes", "steady", "owed", "delivered",
		"within_1s", "last_ms", "hops", "lacking", "error"}
	deliveryHead = []string{"message", "peer", "run", "after_ms", "hops"}
	sampleHead   = []string{"ms", "living", "parts", "links", "meshed", "published", "heard", "delivered", "duplicates", "announcements"}
)

// writeTable writes a file of comma-separated values.
func writeTable(dir, name string, head []string, rows func(emit func(...string))) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	w := csv.NewWriter(b)
	w.Write(head)
	rows(func(row ...string) { w.Write(row) })
	w.Flush()
	return errors.Join(w.Error(), b.Flush(), f.Close())
}

func messageRows(all []scenario.Message) func(func(...string)) {
	return func(emit func(...string)) {
		for i := range all {
			m := &all[i]
			soon := 0
			for _, h := range m.Heard {
				if h.After <= time.Second {
					soon++
				}
			}
			last := ""
			if m.Last >= 0 {
				last = number(ms(m.Last))
			}
			emit(strconv.Itoa(m.Number), m.ID, m.Trace, "peer-"+strconv.Itoa(m.Peer), strconv.Itoa(m.Run), number(ms(m.At)),
				strconv.FormatBool(m.Accepted), strconv.Itoa(m.Size), strconv.FormatBool(m.Steady), strconv.Itoa(m.Owed), strconv.Itoa(m.Made),
				strconv.Itoa(min(soon, m.Owed)), last, strconv.Itoa(m.Hops), strings.Join(m.Lacking, " "), m.Err)
		}
	}
}

func deliveryRows(all []scenario.Message) func(func(...string)) {
	return func(emit func(...string)) {
		n := 0
		for i := range all {
			for _, h := range all[i].Heard {
				if n++; n > maxDeliveries {
					return
				}
				emit(strconv.Itoa(all[i].Number), "peer-"+strconv.Itoa(h.Peer), strconv.Itoa(h.Run), number(ms(h.After)), strconv.Itoa(h.Hops))
			}
		}
	}
}

func sampleRows(all []scenario.Sample) func(func(...string)) {
	return func(emit func(...string)) {
		for _, s := range all {
			emit(number(ms(s.At)), strconv.Itoa(s.Living), strconv.Itoa(s.Parts), strconv.Itoa(s.Links), strconv.FormatBool(s.Meshed),
				strconv.Itoa(s.Said), strconv.Itoa(s.Heard), strconv.FormatUint(s.Delivered, 10), strconv.FormatUint(s.Duplicates, 10),
				strconv.FormatUint(s.Announced, 10))
		}
	}
}

// table is a file of comma-separated values as it is read.
type table struct {
	name    string
	columns map[string]int
	row     []string
	line    int
	err     error
}

// readTable calls each for every row. A file that is not there has none.
func readTable(dir, name string, each func(t *table)) error {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReader(f))
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t := &table{name: name, columns: map[string]int{}, line: 1}
	for i, c := range head {
		t.columns[c] = i
	}
	for t.err == nil {
		t.row, err = r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t.line++
		each(t)
	}
	return t.err
}

// text is a column's value in the present row; empty if there is no such column.
func (t *table) text(column string) string {
	i, ok := t.columns[column]
	if !ok {
		return ""
	}
	return t.row[i]
}

// num is a column's value as a number; an empty one is -1.
func (t *table) num(column string) float64 {
	s := t.text(column)
	if s == "" {
		return -1
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s:%d: %s is %q, which is no number", t.name, t.line, column, s)
	}
	return v
}
