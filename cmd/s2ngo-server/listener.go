package main

import (
	"fmt"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// acceptPause is how long no connections are accepted after that has failed, as it does
// when there are no more descriptors. acceptBatch is how many are accepted before the
// others have their turn.
const (
	acceptPause = 100 * time.Millisecond
	acceptBatch = 64
)

// listener accepts connections.
type listener struct {
	o        *options
	cfg      *conn.Config
	sessions *cli.Sessions
	socket   *cli.Socket
	source   *cli.Source
	accepted int
	over     bool
	failing  bool
}

func newListener(o *options, cfg *conn.Config, sessions *cli.Sessions, socket *cli.Socket) *listener {
	l := &listener{o: o, cfg: cfg, sessions: sessions, socket: socket}
	l.source = sessions.Loop.AddSocket(socket, l.ready)
	l.source.Want(cli.Readable)
	sessions.Ended = func(*cli.Session) { l.endIfDone() }
	return l
}

func (l *listener) ready(cli.Events) {
	for range acceptBatch {
		if l.over {
			return
		}
		socket, err := l.socket.Accept()
		if err == conn.ErrWouldBlock {
			break
		}
		if err != nil {
			l.pause(err)
			return
		}
		l.failing = false
		l.begin(socket)
	}
	l.source.Want(cli.Readable)
}

// begin starts a connection's session.
func (l *listener) begin(socket *cli.Socket) {
	l.accepted++
	last := l.accepted == l.o.maxConns
	if last {
		l.close()
	}
	if _, err := l.sessions.Begin(socket, l.cfg, l.app()); err != nil {
		socket.Close()
		fmt.Fprintf(os.Stderr, "%s: connection from %v: %v\n", program, socket.Peer, err)
		l.endIfDone()
	}
}

// pause leaves new connections in the system's queue for a while.
func (l *listener) pause(err error) {
	if !l.failing {
		l.failing = true
		fmt.Fprintf(os.Stderr, "%s: accepting connections: %v\n", program, err)
	}
	l.source.Want(cli.Elsewhere)
	l.source.Deadline(time.Now().Add(acceptPause))
}

// app makes what a connection is for.
func (l *listener) app() cli.App {
	switch {
	case l.o.negotiate:
		return nil
	case l.o.https:
		return &website{}
	case l.o.benching:
		return &website{bench: true, size: l.o.bench}
	}
	return &echo{}
}

// stop accepts no more, and ends the loop as soon as nothing is open.
func (l *listener) stop() {
	l.close()
	l.endIfDone()
}

func (l *listener) close() {
	if !l.over {
		l.over = true
		l.source.Remove()
		l.socket.Close()
	}
}

func (l *listener) endIfDone() {
	if l.over && l.sessions.Open() == 0 {
		l.sessions.Loop.Stop()
	}
}
