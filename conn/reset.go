package conn

// Reset makes the connection a new one of the same role, with new callbacks and Config
// (nil keeps the Config), and keeps what can be used again (s2n_connection_wipe).
// Secrets are wiped, operations of hooks ended, settings and Value cleared. It revives a
// closed connection, too. Errors: ErrUsage while a call is under way on another goroutine
// or inside a hook, and what NewClient says of cfg; the connection is closed then.
func (c *Conn) Reset(recv RecvFunc, send SendFunc, cfg *Config) error {
	for {
		w := c.use.word.Load()
		if w&both != 0 {
			return usage("Reset while the connection is in use")
		}
		if w&closing != 0 && w&wiped == 0 {
			return usage("Reset while Close is under way")
		}
		if c.use.word.CompareAndSwap(w, both) {
			break
		}
	}
	if cfg == nil {
		cfg = c.base
	}
	c.dropOperation()
	if c.machine != nil {
		c.machine.Close()
	}
	c.machine, c.started, c.refusal = nil, false, nil
	c.rd.Reset()
	c.wr.Reset()
	c.rest, c.readErr, c.writeErr, c.userCancel, c.warnings = nil, nil, nil, 0, 0
	c.secret.Clear()
	c.kept.keep(nil)
	c.own.wipe()
	c.suite = 0
	c.exporter.drop()
	c.control.reset()
	c.asked.Store(0)
	c.tickets.reset()
	c.early.used.Store(0)
	c.blocked = [blockedCounts]uint32{}
	c.facts.Store(0)
	c.appIn.Store(0)
	c.appOut.Store(0)
	c.value.Store(nil)
	err := c.begin(recv, send, cfg)
	c.leave(both)
	if err != nil {
		c.Close()
	}
	return err
}
