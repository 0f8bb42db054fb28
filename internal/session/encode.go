package session

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"
)

// format is the first byte of a serialized session: the layout that follows it. A session of another
// one is not read, and a full handshake follows.
const format = 1

// The bits of the flags in a serialized session.
const (
	flagEMS = 1 << iota
	flagTruncated
	flagClientAuth
	flagsKnown = flagEMS | flagTruncated | flagClientAuth
)

// maxChain is how many certificates a session keeps.
const maxChain = 255

// castagnoli is the polynomial of the checksum at the end of a serialized session. It shows damage, which
// would lead to a handshake that fails instead of a full one; against forgery it is no help.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumLen = crc32.Size

// Append appends the serialized session, for Parse. It holds the secret. Nothing is appended if a
// field is longer than the protocol lets it be.
func (s *Session) Append(dst []byte) []byte {
	if len(s.Secret) > 255 || len(s.ID) > IDLen || len(s.ServerName) > 1<<16-1 || len(s.ALPN) > 255 ||
		len(s.EarlyDataContext) > 1<<16-1 || len(s.Ticket) > 1<<16-1 || len(s.SCTList) > 1<<16-1 || len(s.PSKIdentity) > 1<<16-1 ||
		len(s.OCSPResponse) > 1<<24-1 || len(s.PeerChain) > maxChain {
		return dst
	}
	for _, c := range s.PeerChain {
		if len(c) == 0 || len(c) > 1<<24-1 {
			return dst
		}
	}
	dst = slices.Grow(dst, s.size())
	start := len(dst)
	var flags byte
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{s.ExtendedMasterSecret, flagEMS}, {s.PeerTruncated, flagTruncated}, {s.ClientAuth, flagClientAuth}} {
		if f.set {
			flags |= f.bit
		}
	}
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	dst = append(dst, format, flags)
	dst = u16(dst, uint16(s.Version))
	dst = u16(dst, uint16(s.CipherSuite))
	dst = u16(dst, uint16(s.Group))
	dst = u16(dst, uint16(s.PeerScheme))
	dst = appendTime(dst, s.Established)
	dst = appendTime(dst, s.Issued)
	dst = appendTime(dst, s.KeyingMaterialExpires)
	dst = u32(dst, s.Lifetime)
	dst = u32(dst, s.AgeAdd)
	dst = u32(dst, s.MaxEarlyData)
	dst = append(dst, s.Binding[:]...)
	dst = append(append(dst, byte(len(s.Secret))), s.Secret...)
	dst = append(append(dst, byte(len(s.ID))), s.ID...)
	dst = append(append(dst, byte(len(s.ALPN))), s.ALPN...)
	dst = append(u16(dst, uint16(len(s.ServerName))), s.ServerName...)
	dst = append(u16(dst, uint16(len(s.EarlyDataContext))), s.EarlyDataContext...)
	dst = append(u16(dst, uint16(len(s.Ticket))), s.Ticket...)
	if dst = append(u16(dst, uint16(len(s.PSKIdentity))), s.PSKIdentity...); len(s.PSKIdentity) > 0 {
		dst = append(dst, s.PSKDigest[:]...)
	}
	dst = append(u16(dst, uint16(len(s.SCTList))), s.SCTList...)
	dst = append24(dst, s.OCSPResponse)
	dst = append(dst, byte(len(s.PeerChain)))
	for _, c := range s.PeerChain {
		dst = append24(dst, c)
	}
	return u32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// size is how many bytes Append appends.
func (s *Session) size() int {
	const fixed = 2 + 4*2 + 3*8 + 3*4 + 3*1 + 5*2 + 3 + 1 + checksumLen // flags, code points, times, numbers, lengths
	n := fixed + len(s.Binding) + len(s.Secret) + len(s.ID) + len(s.ALPN) + len(s.ServerName) + len(s.EarlyDataContext) +
		len(s.Ticket) + len(s.SCTList) + len(s.OCSPResponse)
	if len(s.PSKIdentity) > 0 {
		n += len(s.PSKIdentity) + len(s.PSKDigest)
	}
	for _, c := range s.PeerChain {
		n += 3 + len(c)
	}
	return n
}

// appendTime writes t in milliseconds since 1970, the grain of a ticket's age; 0 stands for
// the zero time.
func appendTime(dst []byte, t time.Time) []byte {
	var ms int64
	if !t.IsZero() {
		ms = min(max(t.UnixMilli(), 0), maxTime)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(ms))
}

func append24(dst, b []byte) []byte {
	return append(append(dst, byte(len(b)>>16), byte(len(b)>>8), byte(len(b))), b...)
}
