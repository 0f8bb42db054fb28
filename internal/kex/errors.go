package kex

import (
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
)

// ShareError says what is wrong with a peer's share. It ends a handshake with
// illegal_parameter (RFC 8446, Section 4.2.8).
type ShareError struct {
	Group  iana.Group // the exchange
	Part   iana.Group // the half at fault in a hybrid, else equal to Group
	Len    int        // bytes of the share, or of the part
	Want   int        // bytes that are due
	Reason string     // what is wrong with a share of the right length
}

// Error names the group and the lengths.
func (e *ShareError) Error() string {
	share := fmt.Sprintf("kex: peer's %v key share", e.Group)
	if e.Part != e.Group {
		share += fmt.Sprintf(": %v part", e.Part)
	}
	if e.Len != e.Want {
		return fmt.Sprintf("%s has %d bytes instead of %d", share, e.Len, e.Want)
	}
	return fmt.Sprintf("%s of %d bytes %s", share, e.Len, e.Reason)
}

// Alert returns illegal_parameter.
func (e *ShareError) Alert() iana.Alert { return iana.IllegalParameter }

// Reasons of a ShareError.
const (
	notOnCurve = "is not an uncompressed point of the curve"
	allZero    = "gives an all-zero secret"
	notReduced = "is not an encapsulation key: a coefficient is not below the modulus"
)

var errCleared = errors.New("kex: key was cleared before its use")

func wrongLength(id iana.Group, n, want int) error {
	return &ShareError{Group: id, Part: id, Len: n, Want: want}
}

func refused(id iana.Group, n int, reason string) error {
	return &ShareError{Group: id, Part: id, Len: n, Want: n, Reason: reason}
}

func notGenerated(id iana.Group, err error) error {
	return fmt.Errorf("kex: generate a key of %v: %w", id, err)
}

// inHybrid makes the error of a part that of the hybrid it is part of.
func inHybrid(id iana.Group, err error) error {
	var share *ShareError
	if errors.As(err, &share) {
		share.Group = id
	}
	return err
}
