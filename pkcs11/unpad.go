package pkcs11

import "crypto/subtle"

// minPadding is what PKCS #1 v1.5 adds at least: 00 02, eight bytes, 00.
const minPadding = 11

// unpadCT puts the message of padded, as long as the modulus, into out if the padding is good
// and the message as long as out; otherwise it leaves out alone. RFC 8017, Section 7.2.2, with
// the length known: then the zero that ends the padding has one place only.
func unpadCT(out, padded []byte) {
	end := len(padded) - len(out) - 1 // of the padding string
	good := subtle.ConstantTimeByteEq(padded[0], 0)
	good &= subtle.ConstantTimeByteEq(padded[1], 2)
	for _, b := range padded[2:end] {
		good &= 1 - subtle.ConstantTimeByteEq(b, 0)
	}
	good &= subtle.ConstantTimeByteEq(padded[end], 0)
	subtle.ConstantTimeCopy(good, out, padded[end+1:])
}

// chooseCT puts plain into out if it is as long. The length, on which the token has decided, is
// not hidden from the processor's counters: what has another length is read as zeros.
func chooseCT(out, plain []byte) {
	room := make([]byte, len(out))
	copy(room, plain)
	good := subtle.ConstantTimeEq(int32(len(plain)), int32(len(out)))
	subtle.ConstantTimeCopy(good, out, room)
	clear(room)
}
