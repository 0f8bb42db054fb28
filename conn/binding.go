package conn

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"runtime"
	"slices"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/policy"
)

// A session is resumed only under the settings by which its peer was authenticated: else a Config with
// stricter ones would take over what a laxer one let in. Their digest is the same in every process, so
// that fleets and files of sessions work.

// verifyDigest is the part of it that a Config settles.
func (cfg *Config) verifyDigest(client bool, pol *policy.Policy) (digest [32]byte) {
	h := sha256.New()
	put := func(format string, args ...any) {
		text := fmt.Appendf(nil, format, args...)
		_ = binary.Write(h, binary.BigEndian, uint32(len(text)))
		h.Write(text)
	}
	put("s2ngo session binding 1, client %v", client)
	put("skip verify %v, time %v, intent %v", cfg.InsecureSkipVerify, cfg.DisableTimeVerification, cfg.DisableIntentVerification)
	put("depth %d, OCSP %v", cfg.MaxChainDepth, cfg.RequestOCSP && !cfg.DisableOCSPVerification)
	put("functions %s %s %s", functionName(cfg.VerifyHost), functionName(cfg.OnVerify), functionName(cfg.OnRevocationLists))
	put("%v %v", pol.CertificateSignatureSchemes, pol.CertificateKeys)
	if !cfg.InsecureSkipVerify {
		digestRoots(h, cfg.RootCAs)
	}
	h.Sum(digest[:0])
	return digest
}

// functionName tells functions apart, alike in all processes of one program: what one of them has let in is
// not let past another. Closures of one function literal have one name.
func functionName(f any) string {
	v := reflect.ValueOf(f)
	if v.IsNil() {
		return ""
	}
	return runtime.FuncForPC(v.Pointer()).Name()
}

// sessionBinding is the whole of it. A server that asks for no certificates has authenticated nobody, unless it
// has none of its own: then its clients prove a PSK, and the sessions of those that proved none elsewhere are
// not theirs. Each session knows its own PSK.
func sessionBinding(p *prepared, client bool, hs *handshake.Config) (binding [32]byte) {
	h := sha256.New()
	h.Write([]byte{byte(hs.ClientAuth)})
	if client || hs.ClientAuth != handshake.NoClientAuth {
		h.Write(p.verify[:])
	}
	if !client && hs.Certificates == nil && (len(hs.PSKs) > 0 || p.onPSK != "") {
		fmt.Fprintf(h, "only PSKs, by %q", p.onPSK)
	}
	h.Sum(binding[:0])
	return binding
}

// digestRoots writes what identifies a pool of roots. An x509.CertPool tells nobody what is in it, but
// holds the hash of each certificate, which reflection may look at. Should a Go release change that, a
// pool is bound to this process: its sessions are not resumed by others.
func digestRoots(h hash.Hash, pool *x509.CertPool) {
	if pool == nil {
		h.Write([]byte("the system's"))
		return
	}
	sums, ok := certificateSums(pool)
	if !ok {
		h.Write(processSecret[:])
		fmt.Fprintf(h, "%p", pool)
		return
	}
	for _, s := range sums {
		h.Write(s)
	}
}

// processSecret is of this process alone.
var processSecret = func() (b [32]byte) {
	_, _ = rand.Read(b[:]) // never fails: it would end the program
	return b
}()

// certificateSums returns the hashes of a pool's certificates in order, and last whether the system's
// roots belong to it.
func certificateSums(pool *x509.CertPool) (sums [][]byte, ok bool) {
	v := reflect.ValueOf(pool).Elem()
	system, have := v.FieldByName("systemPool"), v.FieldByName("haveSum")
	if system.Kind() != reflect.Bool || have.Kind() != reflect.Map ||
		have.Type().Key().Kind() != reflect.Array || have.Type().Key().Elem().Kind() != reflect.Uint8 {
		return nil, false
	}
	for it := have.MapRange(); it.Next(); {
		key := it.Key()
		sum := make([]byte, key.Len())
		for i := range sum {
			sum[i] = byte(key.Index(i).Uint())
		}
		sums = append(sums, sum)
	}
	slices.SortFunc(sums, bytes.Compare)
	return append(sums, fmt.Append(nil, system.Bool())), true
}
