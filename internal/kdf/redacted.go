package kdf

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted makes a type that embeds it print, log and marshal as "secret".
type Redacted struct{}

const redaction = "secret"

// String returns "secret".
func (Redacted) String() string { return redaction }

// GoString returns "secret".
func (Redacted) GoString() string { return redaction }

// Format writes "secret", whatever the verb.
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redaction) }

// LogValue returns "secret".
func (Redacted) LogValue() slog.Value { return slog.StringValue(redaction) }

// MarshalText returns "secret".
func (Redacted) MarshalText() ([]byte, error) { return []byte(redaction), nil }
