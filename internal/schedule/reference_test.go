package schedule

import (
	"bytes"
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"math/rand/v2"
	"testing"
)

// reference is the key schedule as RFC 8446, Section 7.1 writes it, over crypto/hkdf. RFC 8448 has
// no trace with SHA-384; this covers it.
type reference struct {
	*testing.T
	hash crypto.Hash
}

func (r reference) sum(data []byte) []byte {
	h := r.hash.New()
	h.Write(data)
	return h.Sum(nil)
}

func (r reference) extract(salt, ikm []byte) []byte {
	out, err := hkdf.Extract(r.hash.New, ikm, salt)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r reference) expandLabel(secret []byte, label string, context []byte, length int) []byte {
	info := []byte{byte(length >> 8), byte(length), byte(len("tls13 " + label))}
	info = append(info, "tls13 "+label...)
	info = append(info, byte(len(context)))
	info = append(info, context...)
	out, err := hkdf.Expand(r.hash.New, secret, string(info), length)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r reference) derive(secret []byte, label string, messages []byte) []byte {
	return r.expandLabel(secret, label, r.sum(messages), r.hash.Size())
}

func (r reference) same(what string, got, want []byte) {
	r.Helper()
	if !bytes.Equal(got, want) {
		r.Errorf("%v: %s = %x, want %x", r.hash, what, got, want)
	}
}

func TestReference(t *testing.T) {
	random := rand.New(rand.NewPCG(8446, 71))
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for round := range 100 {
		for _, h := range hashes {
			r := reference{t, h}
			hello, messages := bytesOf(300), bytesOf(1500)
			zero := make([]byte, h.Size())
			psk, shared := bytesOf(1+random.IntN(64)), bytesOf(32+random.IntN(49))
			ours, theirs := New(h, psk), r.extract(zero, psk)
			switch {
			case round%3 == 1: // no PSK
				ours, theirs = New(h, nil), r.extract(zero, zero)
			case round%3 == 2: // PSK alone
				shared = nil
			}

			for what, s := range map[string]Secret{
				"ext binder":   ours.ExternalBinderKey(),
				"res binder":   ours.ResumptionBinderKey(),
				"c e traffic":  ours.ClientTraffic(r.sum(hello)),
				"e exp master": ours.Exporter(r.sum(hello)),
			} {
				covered := hello
				if what[4:] == "binder" {
					covered = nil
				}
				want := r.derive(theirs, what, covered)
				r.same(what, s.Bytes(), want)
				r.secret(what, s, want)
			}

			hs := ours.Handshake(shared)
			if shared == nil {
				shared = zero
			}
			theirs = r.extract(r.derive(theirs, "derived", nil), shared)
			c, s := hs.Traffic(r.sum(hello))
			r.same("c hs traffic", c.Bytes(), r.derive(theirs, "c hs traffic", hello))
			r.same("s hs traffic", s.Bytes(), r.derive(theirs, "s hs traffic", hello))

			main := hs.Main()
			theirs = r.extract(r.derive(theirs, "derived", nil), zero)
			c, s = main.Traffic(r.sum(messages))
			r.same("c ap traffic", c.Bytes(), r.derive(theirs, "c ap traffic", messages))
			r.same("s ap traffic", s.Bytes(), r.derive(theirs, "s ap traffic", messages))
			exporter, resumption := main.Exporter(r.sum(messages)), main.Resumption(r.sum(messages))
			r.same("exp master", exporter.Bytes(), r.derive(theirs, "exp master", messages))
			r.same("res master", resumption.Bytes(), r.derive(theirs, "res master", messages))
		}
	}
}

// secret compares all that can be derived of a Secret.
func (r reference) secret(what string, s Secret, secret []byte) {
	r.Helper()
	if s.Hash() != r.hash {
		r.Errorf("%s has hash %v", what, s.Hash())
	}
	next := s.Next()
	r.same("traffic upd of "+what, next.Bytes(), r.expandLabel(secret, "traffic upd", nil, r.hash.Size()))

	for _, n := range []int{16, 32} {
		key, iv := make([]byte, n), make([]byte, 12)
		s.Key(key)
		s.IV(iv)
		spent := s
		key2, iv2 := spent.KeyIV(n, 12)
		r.same("key of "+what, key, r.expandLabel(secret, "key", nil, n))
		r.same("iv of "+what, iv, r.expandLabel(secret, "iv", nil, 12))
		r.same("key with iv of "+what, key2, key)
		r.same("iv with key of "+what, iv2, iv)
		if rest := spent.b[n+12:]; spent.hash != 0 || !bytes.Equal(rest, make([]byte, len(rest))) {
			r.Errorf("%s: beside key and IV there is %x", what, rest)
		}
		if spent.Clear(); spent != (Secret{}) {
			r.Errorf("%s: a cleared secret has %x", what, spent.b)
		}
	}

	th := r.sum([]byte(what))
	mac := hmac.New(r.hash.New, r.expandLabel(secret, "finished", nil, r.hash.Size()))
	mac.Write(th)
	r.same("finished of "+what, s.Finished([]byte("before"), th), mac.Sum([]byte("before")))

	for _, nonce := range [][]byte{nil, {0, 1}, bytes.Repeat([]byte{7}, 255)} {
		psk := s.TicketPSK(nonce)
		r.same("ticket PSK of "+what, psk.Bytes(), r.expandLabel(secret, "resumption", nonce, r.hash.Size()))
	}

	for _, n := range []int{0, 12, 48, 300} {
		context := []byte("a context")[:n%10]
		out := make([]byte, n)
		if err := s.Export(out, "EXPORTER-test", context); err != nil {
			r.Error(err)
		}
		derived := r.derive(secret, "EXPORTER-test", nil)
		r.same("export of "+what, out, r.expandLabel(derived, "exporter", r.sum(context), n))
	}
}
