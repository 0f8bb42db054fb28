package main

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
)

// dialer tries addresses, one after the other, until one takes a connection.
type dialer struct {
	loop      *cli.Loop
	limit     time.Duration // for each address; 0 = the system's
	addresses []netip.AddrPort
	connected func(*cli.Socket)
	failed    func(error) // with the last address's error

	socket *cli.Socket
	source *cli.Source
}

// next tries the next address.
func (d *dialer) next() {
	address := d.addresses[0]
	d.addresses = d.addresses[1:]
	socket, err := cli.Connect(address)
	if err != nil {
		d.fail(err)
		return
	}
	d.socket = socket
	d.source = d.loop.AddSocket(socket, d.ready)
	d.source.Want(cli.Writable)
	if d.limit > 0 {
		d.source.Deadline(time.Now().Add(d.limit))
	}
}

func (d *dialer) ready(e cli.Events) {
	var err error
	if e&cli.TimedOut != 0 {
		err = fmt.Errorf("%v: no answer in %v: %w", d.socket.Peer, d.limit, os.ErrDeadlineExceeded)
	} else {
		err = d.socket.Connected()
	}
	socket := d.socket
	d.source.Remove()
	d.socket = nil
	if err != nil {
		socket.Close()
		d.fail(err)
		return
	}
	d.connected(socket)
}

func (d *dialer) fail(err error) {
	if len(d.addresses) > 0 {
		d.next()
		return
	}
	d.failed(err)
}

// close gives up.
func (d *dialer) close() {
	if d.socket != nil {
		d.source.Remove()
		d.socket.Close()
		d.socket = nil
	}
}
