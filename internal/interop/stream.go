package interop

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"sync"
)

const (
	// outputLimit is how many bytes of each stream are kept; a process that writes more is killed.
	outputLimit = 64 << 20
	// tailLength is how many bytes of a stream a message shows.
	tailLength = 8 << 10
)

// A stream keeps what a program writes, up to outputLimit bytes.
type stream struct {
	mu  sync.Mutex
	buf bytes.Buffer
	// overflow ends the program; it is set before the first Write.
	overflow func()
}

// Write keeps p, or calls overflow and refuses it.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buf.Len()+len(p) > outputLimit {
		s.overflow()
		return 0, io.ErrShortWrite
	}
	return s.buf.Write(p)
}

// String returns a copy of all that was written.
func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// find returns the first match of re in all that was written, with its groups.
func (s *stream) find(re *regexp.Regexp) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var match []string
	for _, group := range re.FindSubmatch(s.buf.Bytes()) {
		match = append(match, string(group))
	}
	return match
}

// tail returns the end of what was written.
func (s *stream) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.buf.Bytes()
	if len(all) <= tailLength {
		return string(all)
	}
	return fmt.Sprintf("(%d bytes before this)%s", len(all)-tailLength, all[len(all)-tailLength:])
}
