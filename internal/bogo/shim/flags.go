package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// A flag sets what it is for; takes says that a value follows it.
type flag struct {
	takes bool
	set   func(o *options, value string) error
}

func boolean(field func(*options) *bool) flag {
	return flag{false, func(o *options, _ string) error {
		*field(o) = true
		return nil
	}}
}

func text(field func(*options) *string) flag {
	return flag{true, func(o *options, value string) error {
		*field(o) = value
		return nil
	}}
}

func integer(field func(*options) *int) flag {
	return flag{true, func(o *options, value string) (err error) {
		*field(o), err = strconv.Atoi(value)
		return err
	}}
}

// bytes64 is for bytes in base64.
func bytes64(field func(*options) *[]byte) flag {
	return flag{true, func(o *options, value string) (err error) {
		*field(o), err = base64.StdEncoding.DecodeString(value)
		return err
	}}
}

// list is for a flag that is given once for each of several 16-bit values.
func list[T ~uint16](field func(*options) *[]T) flag {
	return flag{true, func(o *options, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		*field(o) = append(*field(o), T(n))
		return err
	}}
}

// ignored is for what is so anyway.
var ignored = boolean(func(*options) *bool { return new(bool) })

// unknownFlag is the error that ends the shim with status 89: the runner counts the test as
// not implemented.
type unknownFlag string

func (f unknownFlag) Error() string { return "unknown flag " + string(f) }

// prefixes say for which connection of a test a flag is: the first, those that resume, and
// what follows on early data that was refused.
var prefixes = [...]string{"-on-initial", "-on-resume", "-on-retry"}

// parse reads the runner's arguments into the options of the first connection, of the ones
// that resume, and of the retry after refused early data.
func parse(args []string) (*[3]options, error) {
	var all [3]options
	for i := range all {
		all[i].shimInitialWrite, all[i].repeatShimInitialWrite = "hello", 1
	}
	for len(args) > 0 {
		name := args[0]
		args = args[1:]
		name = strings.Replace(name, "-on-shim-", "-", 1)
		targets := []*options{&all[0], &all[1], &all[2]}
		for i, prefix := range prefixes {
			if rest, ok := strings.CutPrefix(name, prefix+"-"); ok {
				name, targets = "-"+rest, []*options{&all[i]}
			}
		}
		f, ok := flags[name]
		if !ok {
			return nil, unknownFlag(name)
		}
		value := ""
		if f.takes {
			if len(args) == 0 {
				return nil, fmt.Errorf("flag %s takes a value", name)
			}
			value, args = args[0], args[1:]
		}
		for _, o := range targets {
			if err := f.set(o, value); err != nil {
				return nil, fmt.Errorf("flag %s: %w", name, err)
			}
		}
	}
	return &all, nil
}
