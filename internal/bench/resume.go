package bench

import (
	"crypto/tls"
	"errors"
)

// begin makes the sessions that handshakes resume, in both libraries.
func (f *Fixture) begin() error {
	f.Client.SessionTickets, f.Server.SessionTickets = true, true
	f.StdServer.SessionTicketsDisabled = false
	f.StdClient.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 { // the second resumes the first
		if err := f.visit(); err != nil {
			return err
		}
		if err := f.stdVisit(); err != nil {
			return err
		}
	}
	return nil
}

var errFull = errors.New("a handshake that should resume is a full one")

// visit keeps the session of a handshake of ours.
func (f *Fixture) visit() error {
	p, err := NewPair(f)
	if err != nil {
		return err
	}
	defer p.Client.Close()
	defer p.Server.Close()
	if _, err := p.Handshake(); err != nil {
		return err
	}
	if p.Client.State().Resumed != (f.session != nil) {
		return errFull
	}
	if _, _, err := p.Server.Send([]byte{0}); err != nil {
		return err
	}
	if _, _, err := p.Client.Recv(make([]byte, 1)); err != nil {
		return err
	}
	f.session = p.Client.Session()
	return nil
}

// stdVisit is visit for crypto/tls.
func (f *Fixture) stdVisit() error {
	_, before := f.StdClient.ClientSessionCache.Get("localhost")
	c, s := newStdWire()
	failed := make(chan error, 1)
	go func() {
		s.begin()
		_, err := tls.Server(s, f.StdServer).Write([]byte{0})
		failed <- err
	}()
	client := tls.Client(c, f.StdClient)
	if _, err := client.Read(make([]byte, 1)); err != nil {
		return err
	}
	if err := <-failed; err != nil {
		return err
	}
	if client.ConnectionState().DidResume != before {
		return errFull
	}
	return nil
}
