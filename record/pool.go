package record

import "sync"

// classes are the sizes of pooled buffers: an alert or the head of a record, a
// ClientHello, a flight or a record of s2n's usual 8 KiB, a full record, two full records.
// The larger ones are whole size classes of the Go heap.
var classes = [...]int{512, 2048, 8192, 18432, 40960}

// largeBuffer is the largest pooled size. It holds the longest record of TLS 1.2.
const largeBuffer = 40960

var pools [len(classes)]sync.Pool

// buffer is a slice on loan from a pool.
type buffer struct {
	data  []byte
	class int // index into classes, or -1: too large to be pooled
}

// getBuffer returns a buffer of at least size bytes, with anything in it.
func getBuffer(size int) *buffer {
	for i, n := range classes {
		if size <= n {
			if b, ok := pools[i].Get().(*buffer); ok {
				return b
			}
			return &buffer{data: make([]byte, n), class: i}
		}
	}
	return &buffer{data: make([]byte, (size+8191)&^8191), class: -1}
}

// putBuffer gives b back. It must hold no secret.
func putBuffer(b *buffer) {
	if b.class >= 0 {
		pools[b.class].Put(b)
	}
}
