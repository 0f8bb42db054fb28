package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// ErrFormat is what Parse returns of bytes that are no session of this package's format.
var ErrFormat = errors.New("session: not a serialized session of this version of the library")

// masterSecretLen is the length in bytes of the master secret of TLS 1.2. RFC 5246, Section 8.1.
const masterSecretLen = 48

// maxTime is the end of the year 9999, in milliseconds.
const maxTime = 253402300799_999

// Parse is Take of a copy of b.
func Parse(b []byte) (*Session, error) {
	if !intact(b) { // what is damaged is not copied
		return nil, ErrFormat
	}
	return take(bytes.Clone(b[:len(b)-checksumLen]))
}

// Take reads what Append wrote. The Session lies in b, which belongs to it from then on. It checks that the
// fields can stand beside each other, so that what it returns can be resumed if it may be. Errors: ErrFormat;
// b is the caller's then.
func Take(b []byte) (*Session, error) {
	if !intact(b) {
		return nil, ErrFormat
	}
	return take(b[:len(b)-checksumLen])
}

// intact reports whether b ends with the checksum of what is before it.
func intact(b []byte) bool {
	n := len(b) - checksumLen
	return n >= 0 && binary.BigEndian.Uint32(b[n:]) == crc32.Checksum(b[:n], castagnoli)
}

// take is Take without the checksum.
func take(b []byte) (*Session, error) {
	d := decoder{b: b}
	if d.u8() != format {
		return nil, ErrFormat
	}
	flags := d.u8()
	s := &Session{
		ExtendedMasterSecret:  flags&flagEMS != 0,
		PeerTruncated:         flags&flagTruncated != 0,
		ClientAuth:            flags&flagClientAuth != 0,
		Version:               iana.Version(d.u16()),
		CipherSuite:           iana.CipherSuite(d.u16()),
		Group:                 iana.Group(d.u16()),
		PeerScheme:            iana.SignatureScheme(d.u16()),
		Established:           d.time(),
		Issued:                d.time(),
		KeyingMaterialExpires: d.time(),
		Lifetime:              d.u32(),
		AgeAdd:                d.u32(),
		MaxEarlyData:          d.u32(),
	}
	copy(s.Binding[:], d.next(len(s.Binding)))
	s.Secret = d.next(int(d.u8()))
	s.ID = d.next(int(d.u8()))
	s.ALPN = string(d.next(int(d.u8())))
	s.ServerName = string(d.next(int(d.u16())))
	s.EarlyDataContext = d.next(int(d.u16()))
	s.Ticket = d.next(int(d.u16()))
	if s.PSKIdentity = d.next(int(d.u16())); s.PSKIdentity != nil {
		copy(s.PSKDigest[:], d.next(len(s.PSKDigest)))
	}
	s.SCTList = d.next(int(d.u16()))
	s.OCSPResponse = d.next(d.u24())
	if n := int(d.u8()); n > 0 && 3*n < len(d.b) {
		s.PeerChain = make([][]byte, n)
		for i := range s.PeerChain {
			if s.PeerChain[i] = d.next(d.u24()); s.PeerChain[i] == nil {
				return nil, ErrFormat
			}
		}
	} else if n > 0 {
		return nil, ErrFormat
	}
	if d.failed || len(d.b) > 0 || flags&^byte(flagsKnown) != 0 || !s.sound() {
		return nil, ErrFormat
	}
	return s, nil
}

// sound reports whether the fields can stand beside each other.
func (s *Session) sound() bool {
	row := suite.Lookup(s.CipherSuite)
	if row == nil || row.TLS13 != s.tls13() || len(s.ID) > IDLen {
		return false
	}
	if s.tls13() {
		return len(s.Secret) == row.Hash.Size() && !s.ExtendedMasterSecret
	}
	return s.Version == iana.TLS12 && len(s.Secret) == masterSecretLen && s.MaxEarlyData == 0 && s.PSKIdentity == nil
}

func (s *Session) tls13() bool { return s.Version == iana.TLS13 }

// decoder reads from the front of b; after the first thing that is short everything reads as zero.
type decoder struct {
	b      []byte
	failed bool
}

// next returns the next n bytes, nil if that is none.
func (d *decoder) next(n int) []byte {
	if n > len(d.b) {
		d.b, d.failed = nil, true
	}
	if n == 0 || d.failed {
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// number reads n bytes, the highest first.
func (d *decoder) number(n int) uint64 {
	var v [8]byte
	copy(v[8-n:], d.next(n))
	return binary.BigEndian.Uint64(v[:])
}

func (d *decoder) u8() uint8   { return uint8(d.number(1)) }
func (d *decoder) u16() uint16 { return uint16(d.number(2)) }
func (d *decoder) u24() int    { return int(d.number(3)) }
func (d *decoder) u32() uint32 { return uint32(d.number(4)) }

func (d *decoder) time() time.Time {
	ms := d.number(8)
	if ms == 0 {
		return time.Time{}
	}
	if ms > maxTime {
		d.b, d.failed = nil, true
	}
	return time.UnixMilli(int64(ms))
}
