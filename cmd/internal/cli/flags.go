package cli

import (
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Flags is a program's table of options: package flag's parser, with options in groups
// and a help text that shows them so.
type Flags struct {
	Program  string
	Synopsis string   // what follows the options
	Summary  string   // what the program does, in a sentence or two
	Examples []string // command lines without the program's name
	set      *flag.FlagSet
	groups   []group
	secret   map[string]bool // options whose values stand in no message
}

type group struct {
	title   string
	options []option
}

type option struct{ name, arg, text string }

// NewFlags returns an empty table.
func NewFlags(program, synopsis, summary string) *Flags {
	f := &Flags{Program: program, Synopsis: synopsis, Summary: summary, set: flag.NewFlagSet(program, flag.ContinueOnError)}
	f.set.SetOutput(io.Discard)
	f.set.Usage = func() {}
	return f
}

// Group begins a group of options in the help text.
func (f *Flags) Group(title string) { f.groups = append(f.groups, group{title: title}) }

func (f *Flags) note(name, arg, text string) {
	g := &f.groups[len(f.groups)-1]
	g.options = append(g.options, option{name, arg, text})
}

// Bool adds an option without a value.
func (f *Flags) Bool(p *bool, name, text string) {
	f.note(name, "", text)
	f.set.BoolVar(p, name, *p, "")
}

// String adds an option with a value.
func (f *Flags) String(p *string, name, arg, text string) {
	f.note(name, arg, text)
	f.set.StringVar(p, name, *p, "")
}

// Strings adds an option that may be given again and again.
func (f *Flags) Strings(p *[]string, name, arg, text string) {
	f.Func(name, arg, text, func(s string) error {
		*p = append(*p, s)
		return nil
	})
}

// Func adds an option whose value is given to take.
func (f *Flags) Func(name, arg, text string, take func(string) error) {
	f.note(name, arg, text)
	f.set.Func(name, "", take)
}

// Int adds an option for a number between low and high.
func (f *Flags) Int(p *int, name, arg string, low, high int, text string) {
	f.Func(name, arg, text, func(s string) (err error) {
		*p, err = parseInt(s, low, high)
		return err
	})
}

// Secret is Func for an option whose value is told to nobody.
func (f *Flags) Secret(name, arg, text string, take func(string) error) {
	f.Func(name, arg, text, take)
	if f.secret == nil {
		f.secret = map[string]bool{}
	}
	f.secret[name] = true
}

func parseInt(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("not a whole number from %d to %d", low, high)
	}
	return n, nil
}

// Duration adds an option for a time like 20ms or 1.5s.
func (f *Flags) Duration(p *time.Duration, name, arg, text string) {
	f.Func(name, arg, text, func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return fmt.Errorf("not a duration like 20ms or 1.5s")
		}
		*p = d
		return nil
	})
}

// Seconds adds an option for a number of seconds, which may be a fraction.
func (f *Flags) Seconds(take func(time.Duration), name, arg, text string) {
	const most = 1e6
	f.Func(name, arg, text, func(s string) error {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(n) || n < 0 || n > most {
			return fmt.Errorf("not a number of seconds from 0 to %.0f", most)
		}
		take(time.Duration(n * float64(time.Second)))
		return nil
	})
}

// Given reports whether an option was on the command line.
func (f *Flags) Given(name string) (given bool) {
	f.set.Visit(func(o *flag.Flag) { given = given || o.Name == name })
	return given
}

// Parse reads a command line and returns the arguments behind the options. help is set
// if the help text is wanted instead. The error is a UsageError.
func (f *Flags) Parse(args []string) (rest []string, help bool, err error) {
	switch err := f.set.Parse(args); {
	case err == flag.ErrHelp:
		return nil, true, nil
	case err != nil:
		return nil, false, f.explainParse(err)
	}
	rest = f.set.Args()
	for _, arg := range rest {
		if strings.HasPrefix(arg, "-") && len(arg) > 1 {
			return nil, false, Usage(arg, "options come before host and port")
		}
	}
	return rest, false, nil
}

// explainParse turns package flag's words into this program's.
func (f *Flags) explainParse(err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return Usage("--"+name, "unknown option")
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return Usage("--"+name, "needs a value")
	}
	if rest, ok := strings.CutPrefix(text, "invalid value "); ok {
		if value, rest, ok := strings.Cut(rest, " for flag -"); ok {
			name, why, _ := strings.Cut(rest, ": ")
			if f.secret[name] {
				value = "..."
			}
			return Usage("--"+name+" "+value, "%s", why)
		}
	}
	if rest, ok := strings.CutPrefix(text, "invalid boolean value "); ok {
		if value, rest, ok := strings.Cut(rest, " for -"); ok {
			name, _, _ := strings.Cut(rest, ": ")
			return Usage("--"+name+" "+value, "takes no value but true or false")
		}
	}
	return Usage("options", "%s", text)
}

// WriteHelp writes the help text.
func (f *Flags) WriteHelp(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s [options] %s\n\n%s\n", f.Program, f.Synopsis, f.Summary)
	const column = 28
	for _, g := range f.groups {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		for _, o := range g.options {
			head := "  --" + o.name
			if o.arg != "" {
				head += " " + o.arg
			}
			for i, line := range strings.Split(o.text, "\n") {
				switch {
				case i == 0 && len(head) < column-1:
					fmt.Fprintf(&b, "%-*s%s\n", column, head, line)
				case i == 0:
					fmt.Fprintf(&b, "%s\n%*s%s\n", head, column, "", line)
				default:
					fmt.Fprintf(&b, "%*s%s\n", column, "", line)
				}
			}
		}
	}
	b.WriteString("\nExamples\n")
	for _, e := range f.Examples {
		fmt.Fprintf(&b, "  %s %s\n", f.Program, e)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
