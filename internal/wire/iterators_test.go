package wire

import "testing"

// Those who range over parsed lists pay nothing for it.
func TestRangingDoesNotAllocate(t *testing.T) {
	hello := written(t, writeSampleClientHello)[4:]
	chain := written(t, writeSampleCertificate)[4:]
	var m ClientHello
	var c Certificate
	var steps int
	n := testing.AllocsPerRun(50, func() {
		if m.Parse(hello) != nil || c.Parse(chain, everything, 8) != nil {
			t.Fail()
		}
		steps = 0
		for range m.Extensions.All() {
			steps++
		}
		for range m.KeyShares.All() {
			steps++
		}
		for range m.ALPN.All() {
			steps++
		}
		for range m.CertificateAuthorities.All() {
			steps++
		}
		for range m.PreSharedKey.Identities.All() {
			steps++
		}
		for range m.PreSharedKey.Binders.All() {
			steps++
		}
		for e := range c.All() {
			steps += len(e.DER) / 290
		}
		if !m.ALPN.Has("h2") {
			t.Fail()
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if want := 23 + 2 + 2 + 2 + 2 + 2 + 2; steps != want {
		t.Errorf("%d steps, want %d", steps, want)
	}
}
