package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// UsageError is a command line that makes no sense: exit status 2.
type UsageError struct{ What, Why string }

// Error returns what is wrong and why.
func (e *UsageError) Error() string { return e.What + ": " + e.Why }

// Usage returns the UsageError of an option or argument.
func Usage(what, format string, args ...any) error {
	return &UsageError{what, fmt.Sprintf(format, args...)}
}

// ExitStatus ends a program that has said already what there is to say.
type ExitStatus int

// Error returns the status in words.
func (s ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Main runs a program and ends the process with the status that its error stands for.
func Main(program string, run func(args []string) error) {
	os.Exit(conclude(program, run(os.Args[1:]), os.Stderr))
}

// conclude says in one line why a program failed, and returns its exit status.
func conclude(program string, err error, stderr io.Writer) int {
	var usage *UsageError
	var status ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v; see %s --help\n", program, err, program)
		return 2
	}
	fmt.Fprintf(stderr, "%s: %v\n", program, err)
	return 1
}
