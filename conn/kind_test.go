package conn

import (
	"errors"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

var kinds = []error{ErrIO, ErrClosed, ErrAlert, ErrProtocol, ErrInternal, ErrUsage}

// kindOf returns the kind of err, which has exactly one.
func kindOf(t testing.TB, err error) (kind error) {
	t.Helper()
	for _, k := range kinds {
		if !errors.Is(err, k) {
			continue
		}
		if kind != nil {
			t.Errorf("the error %q is of two kinds: %q and %q", err, kind, k)
		}
		kind = k
	}
	if kind == nil {
		t.Errorf("the error %v is of no kind", err)
	}
	return kind
}

// failure is what an error of a Conn has to be.
type failure struct {
	kind  error      // one of the six
	alert iana.Alert // sent or received; 0 = none
	text  string     // a part of the sentence
}

func (f failure) check(t testing.TB, who string, err error) {
	t.Helper()
	if f.kind == nil {
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
		return
	}
	if err == nil {
		t.Errorf("%s has no error, want %q", who, f.text)
		return
	}
	if k := kindOf(t, err); k != f.kind {
		t.Errorf("%s's error %q is of kind %q, want %q", who, err, k, f.kind)
	}
	text := err.Error()
	if !strings.Contains(text, f.text) {
		t.Errorf("%s's error is %q, want a sentence with %q", who, text, f.text)
	}
	if !strings.HasPrefix(text, "tls: ") || strings.Contains(text, "\n") || strings.HasPrefix(text[5:], "tls: ") {
		t.Errorf("%s's error is no single sentence: %q", who, text)
	}
	var a *AlertError
	switch {
	case !errors.As(err, &a):
		if f.alert != 0 {
			t.Errorf("%s's error %q has no alert, want %v", who, err, f.alert)
		}
	case f.alert == 0:
		t.Errorf("%s's error %q has alert %v (sent: %v), want none", who, err, a.Alert, a.Sent)
	case a.Alert != f.alert || a.Sent != (f.kind != ErrAlert):
		t.Errorf("%s's error %q has alert %v (sent: %v), want %v", who, err, a.Alert, a.Sent, f.alert)
	}
}

// told is the failure of the side that is sent an alert.
func told(a iana.Alert) failure { return failure{ErrAlert, a, a.String()} }

// accuses is the failure of the side that sends one for what the peer did.
func accuses(a iana.Alert, text string) failure { return failure{ErrProtocol, a, text} }
