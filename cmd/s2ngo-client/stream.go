package main

import (
	"fmt"
	"io"
	"os"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
	"golang.org/x/sys/unix"
)

// chunk is the most that is read or written at once, in bytes.
const chunk = 16384

// source is a file, a pipe or a terminal to read from, without waiting for it.
type source struct {
	file  *os.File
	poll  *cli.Source
	ready bool
	buf   [chunk]byte
}

// newSource reads from file; wake is called when there is something.
func newSource(loop *cli.Loop, file *os.File, wake func()) *source {
	s := &source{file: file}
	s.poll = loop.Add(int(file.Fd()), func(cli.Events) {
		s.poll.Want(cli.Elsewhere)
		s.ready = true
		wake()
	})
	return s
}

// read returns what there is, lent until the next call; nil means that wake is going to
// be called. io.EOF is the end.
func (s *source) read() ([]byte, error) {
	if !s.ready {
		s.poll.Want(cli.Readable)
		return nil, nil
	}
	s.ready = false
	n, err := cli.Read(int(s.file.Fd()), s.buf[:])
	switch {
	case err == conn.ErrWouldBlock:
		s.poll.Want(cli.Readable)
		return nil, nil
	case err == io.EOF:
		s.poll.Remove()
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", s.file.Name(), err)
	}
	return s.buf[:n], nil
}

// sink is a file, a pipe or a terminal to write to, without waiting for it. It holds one
// piece at most.
type sink struct {
	file    *os.File // nil: what comes is dropped
	poll    *cli.Source
	step    int
	pending []byte
	err     error
}

// pipeBuf is what a pipe takes whole when poll says that it is writable (PIPE_BUF).
const pipeBuf = 4096

// newSink writes to file; wake is called when a piece is written.
func newSink(loop *cli.Loop, file *os.File, wake func()) *sink {
	s := &sink{file: file, step: pipeBuf}
	if file == nil {
		return s
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		s.step = chunk
	}
	s.poll = loop.Add(int(file.Fd()), func(cli.Events) {
		s.flush()
		if !s.busy() {
			s.poll.Want(cli.Elsewhere)
			wake()
		}
	})
	return s
}

// take takes a piece, which is copied. Only what is not busy may be given one.
func (s *sink) take(p []byte) {
	if s.file != nil && len(p) > 0 {
		s.pending = append(s.pending[:0], p...)
		s.poll.Want(cli.Writable)
	}
}

func (s *sink) busy() bool { return len(s.pending) > 0 && s.err == nil }

func (s *sink) flush() {
	n, err := cli.Write(int(s.file.Fd()), s.pending[:min(len(s.pending), s.step)])
	if err != nil && err != conn.ErrWouldBlock {
		s.err = fmt.Errorf("writing %s: %w", s.file.Name(), err)
		s.poll.Remove()
	}
	s.pending = s.pending[n:]
}

// terminalWidth returns the number of a terminal's columns; 0 for everything else.
func terminalWidth(file *os.File) int {
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if size.Col == 0 {
		return 80
	}
	return int(size.Col)
}
