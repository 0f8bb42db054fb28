package bench

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

const bulkWrite = 16384

var errShort = errors.New("bench: data was cut short")

// BulkOurs returns the time for writes of 16 KiB, sealed and opened on one goroutine.
func BulkOurs(f *Fixture, writes int) (time.Duration, error) {
	p, err := NewPair(f)
	if err != nil {
		return 0, err
	}
	if _, err := p.Handshake(); err != nil {
		return 0, err
	}
	data, into := make([]byte, bulkWrite), make([]byte, bulkWrite+64)
	start := time.Now()
	for range writes {
		if n, _, err := p.Client.Send(data); err != nil || n != len(data) {
			return 0, errors.Join(err, errShort)
		}
		for got := 0; got < len(data); {
			n, _, err := p.Server.Recv(into)
			if err != nil {
				return 0, err
			}
			got += n
		}
	}
	return time.Since(start), nil
}

// BulkStd is BulkOurs for crypto/tls with suite id.
func BulkStd(f *Fixture, id iana.CipherSuite, writes int) (time.Duration, error) {
	defer OnlyStdSuite(id)()
	c, s := newStdWire()
	client, server := tls.Client(c, f.StdClient), tls.Server(s, f.StdServer)
	failed := make(chan error, 1)
	go func() { failed <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-failed); err != nil {
		return 0, err
	}
	var up queue
	c.direct, s.direct = &up, &up // from here on one goroutine and the same wire as ours
	data, into := make([]byte, bulkWrite), make([]byte, bulkWrite+64)
	start := time.Now()
	for range writes {
		if n, err := client.Write(data); err != nil || n != len(data) {
			return 0, errors.Join(err, errShort)
		}
		for got := 0; got < len(data); {
			n, err := server.Read(into)
			if err != nil {
				return 0, err
			}
			got += n
		}
	}
	return time.Since(start), nil
}
