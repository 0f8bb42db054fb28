package bench

import (
	"runtime"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

// retained returns the heap and stack in use after garbage collection.
func retained() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// Idle returns the KiB that an established connection keeps, in the mean over both ends
// of n pairs: after the handshake, and after a record of 16 KiB each way.
func Idle(f *Fixture, n int) (idle, afterData float64, err error) {
	pairs := make([]*Pair, n)
	before := retained()
	for i := range pairs {
		if pairs[i], err = NewPair(f); err != nil {
			return 0, 0, err
		}
		if _, err = pairs[i].Handshake(); err != nil {
			return 0, 0, err
		}
		pairs[i].Forget()
	}
	kib := func() float64 { return float64(retained()-before) / 1024 / float64(2*n) }
	idle = kib()
	data := make([]byte, bulkWrite)
	for _, p := range pairs {
		for _, way := range [2][2]*conn.Conn{{p.Client, p.Server}, {p.Server, p.Client}} {
			if _, _, err = way[0].Send(data); err != nil {
				return 0, 0, err
			}
			for {
				_, b, err := way[1].Recv(data)
				if err != nil {
					return 0, 0, err
				}
				if b == conn.BlockedOnRead {
					break
				}
			}
		}
		p.Forget()
	}
	afterData = kib()
	runtime.KeepAlive(pairs)
	return idle, afterData, nil
}

// Suspended returns the KiB that a server keeps while its signature is under way.
func Suspended(f *Fixture, n int) (float64, error) {
	server := f.Server.Clone()
	server.OnPrivateKey = func(*conn.Conn, *asyncpkey.Op) error { return nil } // never answers
	// One ClientHello serves them all.
	hello := &Pair{}
	client, err := conn.NewClient(hello.down.recv, hello.up.send, f.Client)
	if err != nil {
		return 0, err
	}
	if _, err := client.Negotiate(); err != nil {
		return 0, err
	}
	servers := make([]*conn.Conn, n)
	discard := func(p []byte) (int, error) { return len(p), nil }
	before := retained()
	for i := range servers {
		in := queue{bytes: hello.up.bytes}
		if servers[i], err = conn.NewServer(in.recv, discard, server); err != nil {
			return 0, err
		}
		if b, err := servers[i].Negotiate(); err != nil || b != conn.BlockedOnApplicationInput {
			return 0, err
		}
	}
	kib := float64(retained()-before) / 1024 / float64(n)
	runtime.KeepAlive(servers)
	return kib, nil
}
