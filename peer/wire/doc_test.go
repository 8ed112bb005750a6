package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// The session in the package comment is made of frames that decode, among them every verb; so the
// comment cannot fall behind the code.
func TestDocSession(t *testing.T) {
	session, announcement := docSession(t)
	seen := map[Verb]bool{}
	for len(session) > 0 {
		var f Frame
		n, err := Decode(session, &f)
		if n == 0 {
			t.Fatalf("Decode(%.100q) = %v", session, err)
		}
		seen[f.Verb] = true
		session = session[n:]
	}
	for v := VerbHello; v <= VerbGone; v++ {
		if !strings.Contains(packageComment(t), "\n\t"+v.String()) {
			t.Errorf("the grammar lacks %s", v)
		}
		if !seen[v] && v != VerbClose { // the session ends with REFER
			t.Errorf("the session lacks %s", v)
		}
	}
	if _, err := ParseAnnouncement(announcement); err != nil {
		t.Errorf("the announcement %q: %v", announcement, err)
	}
}

// Every reason that types.go declares is one that decoders take and that is counted.
func TestReasonsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		declared++
		word := Reason(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		var f Frame
		if _, err := Decode([]byte("CLOSE "+string(word)+"\n"), &f); err != nil || f.Control.(*Close).Reason != word {
			t.Errorf("%s: %v; add it to the list in words.go", spec.Names[0].Name, err)
		}
		return true
	})
	if declared == 0 || declared != len(Reasons()) {
		t.Errorf("%d reasons are declared, %d are listed", declared, len(Reasons()))
	}
}

// docSession is what both sides of the session in the package comment send, and the announcement.
func docSession(t testing.TB) (frames, announcement []byte) {
	for line := range strings.Lines(packageComment(t)) {
		line = strings.TrimPrefix(line, "\t")
		switch {
		case strings.HasPrefix(line, "> "), strings.HasPrefix(line, "< "):
			frames = append(frames, line[2:]...)
		case strings.HasPrefix(line, "HEARSAY 1"):
			announcement = []byte(strings.TrimSuffix(line, "\n"))
		}
	}
	return frames, announcement
}

func packageComment(t testing.TB) string {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file.Doc.Text()
}
