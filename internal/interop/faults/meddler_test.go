//go:build unix && cgo

package faults

import (
	"testing"

	raw "github.com/miekg/pkcs11"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// A meddler is other code of this process that uses the same module, and minds nobody's business.
type meddler struct {
	testing.TB
	*raw.Ctx
	slot uint
}

func meddle(t testing.TB, tok *interop.Token) *meddler {
	t.Helper()
	m := &meddler{TB: t, Ctx: raw.New(tok.Module)}
	if m.Ctx == nil {
		t.Fatalf("%s does not load", tok.Module)
	}
	m.findSlot(tok.Label)
	return m
}

// must fails the test for an error.
func (m *meddler) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *meddler) findSlot(label string) {
	m.Helper()
	slots, err := m.GetSlotList(true)
	m.must(err)
	for _, slot := range slots {
		if info, err := m.GetTokenInfo(slot); err == nil && info.Label == label {
			m.slot = slot
			return
		}
	}
	m.Fatalf("no token %s in %d slots", label, len(slots))
}

// session opens a session.
func (m *meddler) session() raw.SessionHandle {
	m.Helper()
	s, err := m.OpenSession(m.slot, raw.CKF_SERIAL_SESSION)
	m.must(err)
	return s
}

// key finds a private key.
func (m *meddler) key(s raw.SessionHandle, label string) raw.ObjectHandle {
	m.Helper()
	m.must(m.FindObjectsInit(s, []*raw.Attribute{raw.NewAttribute(raw.CKA_CLASS, raw.CKO_PRIVATE_KEY),
		raw.NewAttribute(raw.CKA_LABEL, label)}))
	found, _, err := m.FindObjects(s, 2)
	m.must(err)
	m.must(m.FindObjectsFinal(s))
	if len(found) != 1 {
		m.Fatalf("%d private keys %s", len(found), label)
	}
	return found[0]
}
