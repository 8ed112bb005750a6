package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/sim"
)

// links prints who has a link to whom, each at the peer that dialled.
func (s *Session) links(a args) error {
	if err := a.want(0, 0, false); err != nil {
		return err
	}
	for _, h := range s.hosts {
		if !h.Alive() {
			continue
		}
		out, in := h.Degree()
		var to []string
		st := h.Status()
		for _, l := range st.Links {
			how := "lazy"
			if l.Eager {
				how = "eager"
			}
			if l.Out {
				to = append(to, fmt.Sprintf("%s (%s)", l.Name, how))
			}
		}
		if len(to) == 0 {
			to = []string{"nobody"}
		}
		s.print("%s, %d out and %d in: dialled %s", h.Name, out, in, strings.Join(to, ", "))
	}
	return nil
}

// status prints what each peer thinks of the mesh.
func (s *Session) status(a args) error {
	if err := a.want(0, 0, false); err != nil {
		return err
	}
	for _, h := range s.hosts {
		if !h.Alive() {
			s.print("%s does not run", h.Name)
			continue
		}
		st := h.Status()
		is := []string{"follows " + s.named(st.Self.Root)}
		switch {
		case st.IsRoot:
			is[0] = "is the root"
		case st.Self.Root == "":
			is[0] = "follows nobody"
		}
		if st.Seeking {
			is = append(is, "seeks links")
		}
		if !st.Ready {
			is = append(is, "is not ready")
		}
		is = append(is, "knows "+plural(len(st.Known), "other"))
		s.print("%s %s", h.Name, strings.Join(is, ", "))
	}
	return nil
}

func (s *Session) expect(a args) error {
	if len(a.words) == 0 {
		return fmt.Errorf("expect meshed, parts or heard")
	}
	what := a.words[0]
	a.words = a.words[1:]
	switch what {
	case "meshed":
		return s.expectMeshed(a)
	case "parts":
		return s.expectParts(a)
	case "heard":
		return s.expectHeard(a)
	}
	return fmt.Errorf("nobody can expect %q: meshed, parts or heard", what)
}

func (s *Session) expectMeshed(a args) error {
	if err := a.want(0, 0, false, "within"); err != nil {
		return err
	}
	most := time.Duration(0)
	if text := a.named["within"]; text != "" {
		d, err := duration(text)
		if err != nil {
			return err
		}
		most = d
	}
	why := ""
	took := s.w.Until(most, latency, func() bool { why = s.w.Meshed(); return why == "" })
	if took < 0 {
		if v := s.w.Failed(); v != nil {
			return v
		}
		return &Failed{why}
	}
	if most > 0 {
		s.say("the mesh is whole, after %v", took)
	}
	return nil
}

func (s *Session) expectParts(a args) error {
	if err := a.want(1, 1, false); err != nil {
		return err
	}
	if parts := s.w.Parts(); strconv.Itoa(len(parts)) != a.words[0] {
		return &Failed{fmt.Sprintf("the mesh is in %d parts", len(parts))}
	}
	return nil
}

func (s *Session) expectHeard(a args) error {
	if err := a.want(1, 1, true); err != nil {
		return err
	}
	hosts, err := s.peers(a.words[0])
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if n := s.heard[a.text][h.Name]; n != 1 && !s.saidBy(h, a.text) {
			return &Failed{fmt.Sprintf("%s has heard it %d times", h.Name, n)}
		}
	}
	return nil
}

// saidBy reports whether a peer said a text itself, and so does not hear it.
func (s *Session) saidBy(h *sim.Host, text string) bool { return s.heard[text]["said by "+h.Name] > 0 }
