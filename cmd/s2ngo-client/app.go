package main

import (
	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// app is what the connection is for.
type app interface {
	cli.App
	// Err is what went wrong above TLS, when the connection is over.
	Err() error
	// Close gives files back.
	Close()
}

// idle has nothing to do.
type idle struct{}

func (idle) Run(*conn.Conn) (cli.Events, error) { return 0, nil }
func (idle) Err() error                         { return nil }
func (idle) Close()                             {}

// withNewKeys asks for new keys before anything else.
type withNewKeys struct {
	app
	asked bool
}

// Run is the app's, after the KeyUpdate.
func (w *withNewKeys) Run(c *conn.Conn) (cli.Events, error) {
	if !w.asked {
		w.asked = true
		if _, err := c.UpdateKeys(true); err != nil {
			return 0, err // what could not be written goes out before what comes next
		}
	}
	return w.app.Run(c)
}
