package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// noFlag is what the parser of the command line says of an argument that begins with a dash and a digit: it takes it for a
// flag of one character.
var noFlag = regexp.MustCompile(`^unknown flag (-\d)`)

// notText refuses arguments that are not UTF-8, of which the parser makes something else.
func notText(args []string) error {
	for _, a := range args {
		if !utf8.ValidString(a) {
			return fmt.Errorf("%q is not UTF-8", a)
		}
	}
	return nil
}

// belowZero puts that into words which say what is wrong.
func belowZero(err error, args []string) error {
	m := noFlag.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	for _, a := range args {
		if strings.HasPrefix(a, m[1]) {
			return fmt.Errorf("%s is below zero, and nothing here can be (a text that begins with a dash stands after --)", a)
		}
	}
	return err
}
