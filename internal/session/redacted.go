package session

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted makes a type that embeds it print, log and marshal as "secret".
type redacted struct{}

const redaction = "secret"

// String returns "secret".
func (redacted) String() string { return redaction }

// GoString returns "secret".
func (redacted) GoString() string { return redaction }

// Format writes "secret", whatever the verb.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redaction) }

// LogValue returns "secret".
func (redacted) LogValue() slog.Value { return slog.StringValue(redaction) }

// MarshalText returns "secret".
func (redacted) MarshalText() ([]byte, error) { return []byte(redaction), nil }
