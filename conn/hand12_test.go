package conn

import (
	"bytes"
	"io"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/record"
)

// hand12 is the record layer of a peer of TLS 1.2 that is played by hand.
type hand12 struct {
	testing.TB
	end    *testpeer.End
	rd     record.Reader
	wr     record.Writer
	sealer record.Sealer // of what is sent, if it is protected
}

func newHand12(t testing.TB, end *testpeer.End) *hand12 {
	h := &hand12{TB: t, end: end}
	h.rd.SetCCS(record.CCSDeliver)
	h.wr.SetVersion(iana.TLS12)
	t.Cleanup(func() { h.rd.Close(); h.wr.Close() })
	return h
}

// record sends records of one type.
func (h *hand12) record(t iana.RecordType, content ...byte) {
	h.Helper()
	_, err := h.wr.Seal(t, content)
	if err == nil {
		err = h.wr.Flush(h.end.Send)
	}
	if err != nil {
		h.Fatal(err)
	}
}

// raw puts bytes on the wire as they are.
func (h *hand12) raw(b ...byte) {
	h.Helper()
	if n, err := h.end.Send(b); n != len(b) || err != nil {
		h.Fatal(n, err)
	}
}

func (h *hand12) messages(list ...[]byte) {
	h.Helper()
	for _, msg := range list {
		h.record(iana.RecordHandshake, msg...)
	}
}

// writeKeys sends change_cipher_spec, and protects what follows.
func (h *hand12) writeKeys(id iana.CipherSuite, macKey, key, iv []byte) {
	h.Helper()
	h.record(iana.RecordChangeCipherSpec, 1)
	s, err := record.NewSealer12(suite.Lookup(id), macKey, key, iv, nil)
	if err != nil {
		h.Fatal(err)
	}
	h.sealer = s
	h.wr.SetSealer(s)
}

// readKeys opens what follows.
func (h *hand12) readKeys(id iana.CipherSuite, macKey, key, iv []byte) {
	h.Helper()
	o, err := record.NewOpener12(suite.Lookup(id), macKey, key, iv)
	if err != nil {
		h.Fatal(err)
	}
	h.rd.SetOpener(o)
}

// heard is a record, or one message of it, that came in.
type heard struct {
	iana.RecordType
	data []byte
}

// next returns the next record; none if nothing has come.
func (h *hand12) next() (rec heard, ok bool) {
	h.Helper()
	for {
		r, err := h.rd.Next()
		if err == nil {
			return heard{r.Type, bytes.Clone(r.Payload)}, true
		}
		if err != record.ErrNeedMore {
			h.Fatal(err)
		}
		if _, err = h.rd.Fill(h.end.Recv); err == record.ErrWouldBlock || err == io.EOF {
			return heard{}, false
		} else if err != nil {
			h.Fatal(err)
		}
	}
}

// flight returns the messages that have come, up to a record of another type, which is returned
// too.
func (h *hand12) flight() (msgs [][]byte, other heard) {
	h.Helper()
	var data []byte
	for {
		rec, ok := h.next()
		if !ok || rec.RecordType != iana.RecordHandshake {
			other = rec
			break
		}
		data = append(data, rec.data...)
	}
	for len(data) >= 4 {
		n := 4 + int(data[1])<<16 + int(data[2])<<8 + int(data[3])
		if n > len(data) {
			break
		}
		msgs = append(msgs, data[:n:n])
		data = data[n:]
	}
	if len(data) > 0 {
		h.Errorf("%d bytes of a message that is not whole", len(data))
	}
	return msgs, other
}

// handClient is a client of TLS 1.2 played by hand.
type handClient struct {
	*hand12
	*testpeer.ScriptClient12
}

func newHandClient(t testing.TB, end *testpeer.End, suites ...iana.CipherSuite) *handClient {
	c := &handClient{newHand12(t, end), &testpeer.ScriptClient12{
		Suites: suites, Groups: []iana.Group{iana.X25519, iana.Secp256r1}, ServerName: "localhost",
		Schemes: []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256},
	}}
	c.Extended, c.Before = true, []byte{}
	return c
}

// read reads the server's flight.
func (c *handClient) read() (other heard) {
	c.Helper()
	msgs, other := c.flight()
	for _, msg := range msgs {
		c.ReadServer(msg)
	}
	c.check()
	return other
}

func (c *handClient) check() {
	c.Helper()
	if err := c.Err(); err != nil {
		c.Fatal(err)
	}
}

// protect is change_cipher_spec in the client's direction.
func (c *handClient) protect() {
	c.Helper()
	macKey, key, iv := c.Keys(true)
	c.writeKeys(c.Suite, macKey, key, iv)
}

// readEnd reads the server's change_cipher_spec and Finished.
func (c *handClient) readEnd() {
	c.Helper()
	if rec, ok := c.next(); !ok || rec.RecordType != iana.RecordChangeCipherSpec {
		c.Fatalf("%v %x comes where change_cipher_spec is expected", rec.RecordType, rec.data)
	}
	macKey, key, iv := c.Keys(false)
	c.readKeys(c.Suite, macKey, key, iv)
	msgs, _ := c.flight()
	if len(msgs) != 1 {
		c.Fatalf("%d messages end the handshake", len(msgs))
	}
	c.ReadFinished(msgs[0])
	c.check()
}
