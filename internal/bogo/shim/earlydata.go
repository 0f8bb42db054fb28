package main

import (
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// maxEarlyData is how much early data BoringSSL's server takes, which the runner knows.
const maxEarlyData = 14336

// handshake runs a handshake, with early data where the flags want any.
func (x *exchange) handshake() error {
	o := x.options
	var left []byte // of early data that could not be sent as such
	var err error
	switch {
	case !o.enableEarlyData:
	case o.server:
		err = x.receiveEarly()
	case x.resumes && (o.maxVersion == 0 || o.maxVersion >= int(iana.TLS13)):
		left, err = x.sendEarly()
	}
	if err == nil && x.resumes && !o.server && o.enableEarlyData && o.exportLength > 0 {
		err = x.export() // which is too early
	}
	if err != nil {
		return err
	}
	if err := x.settle(x.conn.Negotiate); err != nil {
		return err
	}
	if o.handshakeTwice {
		if b, err := x.conn.Negotiate(); b != conn.NotBlocked || err != nil {
			return fmt.Errorf("another Negotiate: %v, %v", b, err)
		}
	}
	if o.server {
		return nil
	}
	status := x.conn.State().EarlyData
	if x.resumes && o.expectRejectEarlyData {
		if status != conn.EarlyDataRejected {
			return errors.New("early data was not rejected")
		}
		x.options = x.retry // for what is expected of the connection from here on
		return nil
	}
	if x.resumes && o.expectNoOfferEarlyData && status != conn.EarlyDataNotRequested {
		return errors.New("early data was offered")
	}
	if len(left) > 0 {
		return x.write(left)
	}
	return nil
}

// sendEarly sends what the shim writes first, and returns what it could not send as early data.
func (x *exchange) sendEarly() (left []byte, err error) {
	o := x.options
	writes := 0
	if o.shimWritesFirst || o.readWithUnfinishedWrite {
		writes, x.wroteFirst = o.repeatShimInitialWrite, true
	}
	if err := x.settle(func() (conn.Blocked, error) { // the ClientHello
		_, b, err := x.conn.SendEarlyData(nil)
		return b, err
	}); err != nil {
		return nil, err
	}
	if o.earlyWriteAfterMessage != 0 {
		if err := x.negotiateUpTo(iana.Message(o.earlyWriteAfterMessage)); err != nil {
			return nil, err
		}
	}
	if o.readWithUnfinishedWrite {
		x.socket.write = 1
		data := []byte(o.shimInitialWrite)
		n, b, err := x.conn.SendEarlyData(data)
		if err == nil && n > 0 && b != conn.BlockedOnWrite {
			err = errors.New("no early write is left unfinished")
		}
		return data[n:], err
	}
	for range writes {
		n := 0
		if err := x.settle(func() (b conn.Blocked, err error) {
			var k int
			k, b, err = x.conn.SendEarlyData([]byte(o.shimInitialWrite[n:]))
			n += k
			return b, err
		}); err != nil {
			return nil, err
		}
		left = append(left, o.shimInitialWrite[n:]...)
	}
	return left, nil
}

// negotiateUpTo goes on until a message of the peer was received, and nothing after it.
func (x *exchange) negotiateUpTo(last iana.Message) error {
	for x.messages.last != last {
		b, err := x.conn.Negotiate()
		switch {
		case err != nil:
			return err
		case b == conn.NotBlocked:
			return fmt.Errorf("the handshake ended before %v", last)
		case x.messages.last == last:
			return nil
		}
		if err := x.unblock(b); err != nil {
			return err
		}
	}
	return nil
}

// receiveEarly answers early data with its bits flipped, before the client is confirmed.
func (x *exchange) receiveEarly() error {
	buf := make([]byte, x.readSize())
	for {
		n, b, err := x.conn.RecvEarlyData(buf)
		if n > 0 {
			flip(buf[:n])
			if err := x.write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err != nil:
			return x.repeat(x.conn.Negotiate, err)
		case b == conn.NotBlocked:
			return nil
		case b == conn.BlockedOnEarlyData:
		default:
			if err := x.unblock(b); err != nil {
				return err
			}
		}
	}
}

// checkEarlyData compares what became of early data with what the flags expect.
func (x *exchange) checkEarlyData(s *conn.State) error {
	o := x.options
	accepted := s.EarlyData == conn.EarlyDataEnd
	if o.expectAcceptEarlyData && !accepted || o.expectRejectEarlyData && accepted {
		return fmt.Errorf("early data: %v", s.EarlyData)
	}
	if skew := int(s.TicketAgeSkew.Seconds()); x.resumes && o.expectTicketAgeSkew != 0 && (skew-o.expectTicketAgeSkew > 1 || o.expectTicketAgeSkew-skew > 1) {
		return fmt.Errorf("the ticket's age is off by %v, expected %d s", s.TicketAgeSkew, o.expectTicketAgeSkew)
	}
	possible := false
	switch o.expectEarlyDataReason {
	case "", "accept":
		possible = true
	case "disabled":
		possible = !o.enableEarlyData && !accepted
	case "protocol_version":
		possible = s.Version == iana.TLS12 && !accepted
	case "hello_retry_request":
		possible = s.HelloRetry && !accepted
	case "no_session_offered":
		possible = !x.resumes && !accepted
	case "session_not_resumed":
		possible = !s.Resumed && !accepted
	case "alpn_mismatch", "ticket_age_skew", "unsupported_for_session", "peer_declined":
		possible = s.Resumed && !accepted
	}
	if !possible {
		return fmt.Errorf("early data: %v, resumed: %v, which is not for the reason %s", s.EarlyData, s.Resumed, o.expectEarlyDataReason)
	}
	return nil
}
