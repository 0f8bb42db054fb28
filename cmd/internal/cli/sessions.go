package cli

import (
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// Sessions are the connections of one program, all on one loop.
type Sessions struct {
	Loop   *Loop
	Role   string // "client" or "server"
	Limits Limits
	Output *Output

	// Session and EarlyData are what a client's connections resume, and send before the
	// handshake; ReceiveEarlyData lets a server's connections take such data.
	Session, EarlyData []byte
	ReceiveEarlyData   bool

	// Established and Ended, if not nil, are called when a handshake is done and when a
	// session is over.
	Established, Ended func(*Session)

	keys   *Keys
	byConn map[*conn.Conn]*Session
	begun  int
}

// Attach lets cfg's connections find their sessions: answers of other goroutines wake them,
// and what they do is recorded if somebody looks. keys, if not nil, does the work of their
// private keys.
func (g *Sessions) Attach(cfg *conn.Config, keys *Keys) {
	g.byConn = map[*conn.Conn]*Session{}
	if g.keys = keys; keys != nil {
		cfg.OnPrivateKey = keys.take
	}
	cfg.Wake = func(c *conn.Conn) {
		g.Loop.Post(func() {
			if s := g.byConn[c]; s != nil {
				s.Drive()
			}
		})
	}
	if g.Output.Recording() {
		cfg.Trace = func(c *conn.Conn, e conn.TraceEvent) {
			if s := g.byConn[c]; s != nil {
				s.trace.Record(e)
			}
		}
	}
}

// Begin takes a connected socket and starts the handshake on it. app is what follows; it
// may be nil if nothing does.
func (g *Sessions) Begin(socket *Socket, cfg *conn.Config, app App) (*Session, error) {
	make := conn.NewServer
	if g.Role == "client" {
		make = conn.NewClient
	}
	c, err := make(socket.Recv, socket.Send, cfg)
	if err != nil {
		return nil, err
	}
	if len(g.Session) > 0 {
		if err := c.SetSession(g.Session); err != nil {
			return nil, err
		}
	}
	if app == nil {
		app = nothing{}
	}
	g.begun++
	s := &Session{Conn: c, Number: g.begun, sessions: g, socket: socket, app: app, started: time.Now()}
	s.early = early{out: g.EarlyData, receive: g.ReceiveEarlyData, over: len(g.EarlyData) == 0 && !g.ReceiveEarlyData}
	if g.Output.Recording() {
		s.trace = NewRecorder(g.Role, s.Peer(), s.Number, s.started)
	}
	g.byConn[c] = s
	s.source = g.Loop.AddSocket(socket, s.ready)
	if d := g.Limits.Handshake; d > 0 {
		s.source.Deadline(s.started.Add(d))
	}
	s.Drive()
	return s, nil
}

// Open returns how many connections there are.
func (g *Sessions) Open() int { return len(g.byConn) }

// Stop ends all connections with close_notify.
func (g *Sessions) Stop() {
	for _, s := range g.byConn {
		s.Stop()
	}
}

// Abandon ends all connections at once.
func (g *Sessions) Abandon() {
	for _, s := range g.byConn {
		s.Abandon()
	}
}

func (g *Sessions) established(s *Session) {
	g.Output.established(s)
	if g.Established != nil {
		g.Established(s)
	}
}

func (g *Sessions) ended(s *Session) {
	delete(g.byConn, s.Conn)
	g.Output.ended(g.Role, s)
	if g.Ended != nil {
		g.Ended(s)
	}
}

// nothing is the App of a connection that only shakes hands.
type nothing struct{}

func (nothing) Run(*conn.Conn) (Events, error) { return 0, nil }
