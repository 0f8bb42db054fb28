package kex

import (
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
)

// DHError says what is wrong with a group or with a peer's public value in a DHE exchange.
type DHError struct {
	Group       iana.Group // 0 if it is none of RFC 7919
	Bits        int        // of the prime
	Reason      string     // names what is wrong
	Description iana.Alert // due to a peer who sent it
}

// Error names the group and the reason.
func (e *DHError) Error() string {
	if e.Group != 0 {
		return fmt.Sprintf("kex: DH group %v: %s", e.Group, e.Reason)
	}
	return fmt.Sprintf("kex: DH group of %d bits: %s", e.Bits, e.Reason)
}

// Alert returns the description of the fatal alert to send. For a public value that is out
// of range RFC 7919, Sections 3 and 4, wants handshake_failure.
func (e *DHError) Alert() iana.Alert { return e.Description }
