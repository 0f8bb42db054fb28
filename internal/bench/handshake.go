package bench

import (
	"crypto/tls"
	"runtime"
	"time"
)

// Cost is what one handshake costs, in the mean over some.
type Cost struct {
	Both, Server   time.Duration
	Objects, Bytes float64 // on the heap, both sides
}

// Ours measures n handshakes of ours.
func Ours(f *Fixture, n int) (Cost, error) {
	return measure(n, func() (time.Duration, error) {
		p, err := NewPair(f)
		if err != nil {
			return 0, err
		}
		server, err := p.Handshake()
		p.Client.Close()
		p.Server.Close()
		return server, err
	})
}

// Std measures n handshakes of crypto/tls.
func Std(f *Fixture, n int) (Cost, error) {
	return measure(n, func() (time.Duration, error) {
		c, s := newStdWire()
		server := tls.Server(s, f.StdServer)
		failed := make(chan error, 1)
		go func() {
			s.begin()
			err := server.Handshake()
			s.pause()
			failed <- err
		}()
		if err := tls.Client(c, f.StdClient).Handshake(); err != nil {
			return 0, err
		}
		err := <-failed
		return s.Busy, err
	})
}

func measure(n int, handshake func() (time.Duration, error)) (c Cost, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		server, err := handshake()
		if err != nil {
			return c, err
		}
		c.Server += server
	}
	c.Both = time.Since(start) / time.Duration(n)
	runtime.ReadMemStats(&after)
	c.Server /= time.Duration(n)
	c.Objects = float64(after.Mallocs-before.Mallocs) / float64(n)
	c.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	return c, nil
}

// ServerObjects counts the heap objects that the server's part of one of our handshakes
// makes.
func ServerObjects(f *Fixture, n int) (float64, error) {
	var before, after runtime.MemStats
	var objects uint64
	for range n {
		p, err := NewPair(f)
		if err != nil {
			return 0, err
		}
		for {
			if _, err := p.Client.Negotiate(); err != nil {
				return 0, err
			}
			runtime.ReadMemStats(&before)
			b, err := p.Server.Negotiate()
			runtime.ReadMemStats(&after)
			objects += after.Mallocs - before.Mallocs
			if err != nil {
				return 0, err
			}
			if b == 0 {
				break
			}
		}
		p.Client.Close()
		p.Server.Close()
	}
	return float64(objects) / float64(n), nil
}
