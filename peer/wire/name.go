package wire

import "errors"

var errName = errors.New("a name is 1 to 63 printable ASCII characters without spaces, and not a single hyphen")

// CheckName reports what is wrong with a peer's name. A name is a word of the wire, so it has 1 to
// MaxName bytes of printable ASCII without spaces; a hyphen alone would read as an absent field.
func CheckName(s string) error {
	if !isName([]byte(s)) {
		return errName
	}
	return nil
}

func isName(b []byte) bool {
	if len(b) == 0 || len(b) > MaxName || len(b) == 1 && b[0] == '-' {
		return false
	}
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// SanitizeName makes a name of any string: a hyphen for each character that a name cannot have, its
// first MaxName characters, and "peer" if nothing is left to tell it by.
func SanitizeName(s string) string {
	b := make([]byte, 0, MaxName)
	telling := false
	for _, r := range s {
		if len(b) == MaxName {
			break
		}
		if r <= ' ' || r > '~' {
			r = '-'
		}
		telling = telling || r != '-'
		b = append(b, byte(r))
	}
	if !telling {
		return "peer"
	}
	return string(b)
}
