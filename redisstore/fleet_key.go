package redisstore

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// fleetKey is a session ticket key as servers hand it on.
type fleetKey struct {
	name   [16]byte
	secret [32]byte
	intro  time.Time
}

const (
	keysFormat  = 1
	fleetKeyLen = 16 + 32 + 8
)

var errKeysFormat = errors.New("the ticket keys are of another version of this library")

// appendKeys serializes keys.
func appendKeys(dst []byte, keys []fleetKey) []byte {
	dst = append(dst, keysFormat)
	for _, k := range keys {
		dst = append(append(dst, k.name[:]...), k.secret[:]...)
		dst = binary.BigEndian.AppendUint64(dst, uint64(k.intro.UnixMilli()))
	}
	return dst
}

// parseKeys reads what appendKeys wrote.
func parseKeys(b []byte) ([]fleetKey, error) {
	if len(b) == 0 || b[0] != keysFormat || (len(b)-1)%fleetKeyLen != 0 || len(b)/fleetKeyLen > conn.MaxTicketKeys {
		return nil, errKeysFormat
	}
	var keys []fleetKey
	for b = b[1:]; len(b) > 0; b = b[fleetKeyLen:] {
		keys = append(keys, fleetKey{
			name: [16]byte(b), secret: [32]byte(b[16:]), intro: time.UnixMilli(int64(binary.BigEndian.Uint64(b[48:]))),
		})
	}
	return keys, nil
}
