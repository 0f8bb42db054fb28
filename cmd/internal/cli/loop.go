package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Events say what happened to a Source, or what it waits for.
type Events uint8

// The events. HungUp is told to whoever waits for anything when the descriptor is dead;
// TimedOut comes once per deadline. Again is what a Source asks for that has more to do
// and lets the others go first. Elsewhere waits for nothing that the loop knows of.
const (
	Readable Events = 1 << iota
	Writable
	HungUp
	TimedOut
	Again
	Elsewhere
)

// Loop is an event loop over poll(2): one goroutine for all descriptors.
type Loop struct {
	sources  []*Source
	fds      []unix.PollFd // of sources, by index
	again    []*Source
	running  []*Source
	removed  bool
	stopped  bool
	wakeRead int

	mu        sync.Mutex
	posts     []func()
	wakeWrite int // -1 when the loop is over
}

// Source is a descriptor in a Loop.
type Source struct {
	loop     *Loop
	fd       int32
	index    int
	handle   func(Events)
	deadline time.Time
	again    bool
	gone     bool
}

// NewLoop returns a loop without sources.
func NewLoop() (*Loop, error) {
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	for _, fd := range pipe {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, os.NewSyscallError("fcntl", err)
		}
	}
	l := &Loop{wakeRead: pipe[0], wakeWrite: pipe[1]}
	l.Add(l.wakeRead, l.woken).Want(Readable)
	return l, nil
}

// Add puts a descriptor into the loop, with what to call when something happens to it. A
// descriptor of -1 is a timer.
func (l *Loop) Add(fd int, handle func(Events)) *Source {
	s := &Source{loop: l, fd: int32(fd), index: len(l.sources), handle: handle}
	l.sources = append(l.sources, s)
	l.fds = append(l.fds, unix.PollFd{Fd: -1})
	return s
}

// AddSocket is Add for a socket.
func (l *Loop) AddSocket(s *Socket, handle func(Events)) *Source { return l.Add(s.fd, handle) }

// Want says what the source waits for from now on.
func (s *Source) Want(e Events) {
	if s.gone {
		return
	}
	var poll int16
	if e&Readable != 0 {
		poll |= unix.POLLIN
	}
	if e&Writable != 0 {
		poll |= unix.POLLOUT
	}
	if e&HungUp != 0 {
		poll |= pollHangup
	}
	fd := s.fd
	if e&(Readable|Writable|HungUp) == 0 {
		fd = -1 // or a descriptor that has hung up would be told of for ever
	}
	s.loop.fds[s.index] = unix.PollFd{Fd: fd, Events: poll}
	if e&Again != 0 && !s.again {
		s.again = true
		s.loop.again = append(s.loop.again, s)
	}
}

// Deadline makes the loop tell the source when t has come; the zero time never comes.
func (s *Source) Deadline(t time.Time) { s.deadline = t }

// Remove takes the source out of the loop. The descriptor is still the caller's.
func (s *Source) Remove() {
	if !s.gone {
		s.gone, s.loop.removed = true, true
		s.loop.fds[s.index].Fd = -1
	}
}

// Post lets the loop call f. It may be called on any goroutine and never blocks.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posts = append(l.posts, f)
	if len(l.posts) == 1 && l.wakeWrite >= 0 {
		_, _ = unix.Write(l.wakeWrite, []byte{0}) // a full pipe wakes too
	}
}

func (l *Loop) woken(Events) {
	var b [64]byte
	for {
		if n, err := unix.Read(l.wakeRead, b[:]); n < len(b) && err != unix.EINTR {
			break
		}
	}
	l.mu.Lock()
	posts := l.posts
	l.posts = nil
	l.mu.Unlock()
	for _, f := range posts {
		f()
	}
}

// Stop lets Run return.
func (l *Loop) Stop() { l.stopped = true }

// Run calls what happens until Stop.
func (l *Loop) Run() error {
	defer l.close()
	for !l.stopped {
		n, err := unix.Poll(l.fds, l.patience())
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("event loop: %w", os.NewSyscallError("poll", err))
		}
		if n > 0 {
			l.dispatch()
		}
		l.expire()
		l.runAgain()
		l.compact()
	}
	return nil
}

// patience returns how long poll may wait, in ms; -1 is for ever.
func (l *Loop) patience() int {
	if len(l.again) > 0 {
		return 0
	}
	var first time.Time
	for _, s := range l.sources {
		if !s.deadline.IsZero() && (first.IsZero() || s.deadline.Before(first)) {
			first = s.deadline
		}
	}
	if first.IsZero() {
		return -1
	}
	const most = time.Hour
	wait := min(max(time.Until(first), 0), most)
	return int((wait + time.Millisecond - 1) / time.Millisecond)
}

func (l *Loop) dispatch() {
	for i := range len(l.fds) { // what handlers add comes next time
		got := l.fds[i].Revents
		if got == 0 {
			continue
		}
		l.fds[i].Revents = 0
		s := l.sources[i]
		var e Events
		if got&unix.POLLIN != 0 {
			e |= Readable
		}
		if got&unix.POLLOUT != 0 {
			e |= Writable
		}
		if got&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL|pollHangup) != 0 {
			e |= HungUp
		}
		if !s.gone {
			s.handle(e)
		}
	}
}

func (l *Loop) expire() {
	now := time.Now()
	for i := range len(l.sources) {
		s := l.sources[i]
		if !s.gone && !s.deadline.IsZero() && !now.Before(s.deadline) {
			s.deadline = time.Time{}
			s.handle(TimedOut)
		}
	}
}

func (l *Loop) runAgain() {
	l.again, l.running = l.running[:0], l.again
	for _, s := range l.running {
		s.again = false
		if !s.gone {
			s.handle(Again)
		}
	}
}

// compact closes the gaps of removed sources.
func (l *Loop) compact() {
	if !l.removed {
		return
	}
	l.removed = false
	k := 0
	for i, s := range l.sources {
		if s.gone {
			continue
		}
		s.index = k
		l.sources[k], l.fds[k] = s, l.fds[i]
		k++
	}
	clear(l.sources[k:])
	l.sources, l.fds = l.sources[:k], l.fds[:k]
}

func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	unix.Close(l.wakeRead)
	unix.Close(l.wakeWrite)
	l.wakeWrite = -1
}
