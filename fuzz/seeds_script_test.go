package fuzz

import "fmt"

// Seeds of the targets that play handshakes.

const (
	fromClient = 0    // of step: what is on the way to the server
	fromServer = 0x80 // and to the client
)

// machineSeeds are handshakes of every kind, answered in every way, and disturbed in every
// way.
func machineSeeds() seeds {
	s := seeds{}
	for name, setup := range setups {
		s["honest-"+name] = []any{setup.number(), repeat(0, 8), []byte{}}
		s["pieces-"+name] = []any{setup.number(), join(3, 5, 3, 40, 0x83, 1, 0x83, 90, 0x83, 200, 0, 0), []byte{}}
		s["behind-"+name] = []any{setup.number(), join(repeat(0, 8), 10, 1, 0x8a, 0, 0x8b, 2, 0x82, 0x82), []byte{}}
	}
	for _, name := range []string{"hooks", "tls12-hooks", "tls12-rsa"} {
		for how := range answerWays {
			answers := join(repeat(answerWell, how), repeat(byte(how), 8))
			s[fmt.Sprintf("answer-%d-%s", how, name)] = []any{setups[name].number(), join(repeat(0, 9), 4, 0, 0x84, 0, 0), answers}
		}
	}
	for op := 13; op < 32; op++ {
		for _, name := range []string{"client-auth", "tls12-cbc"} {
			n := setups[name].number()
			s[fmt.Sprintf("tamper-%d-hello-%s", op, name)] = []any{n, join(fromClient|op, 0, 40, 5, 1, 2, 3, 4, 5, 0, 0), []byte{}}
			s[fmt.Sprintf("tamper-%d-flight-%s", op, name)] = []any{n, join(2, fromServer|op, 0, 60, 3, 9, 8, 7, 0, 0, 0), []byte{}}
		}
	}
	for _, name := range []string{"plain", "client-auth", "tls12-ecdhe", "tls12-cbc"} {
		n := setups[name].number()
		for at := range 4 {
			deliver := repeat(0x82, at)
			s[fmt.Sprintf("end-of-server-%d-%s", at, name)] = []any{n, join(2, deliver, fromServer|20, 0, 0, 1, 0x82, 0, 0, 0), []byte{}}
			s[fmt.Sprintf("end-of-client-%d-%s", at, name)] = []any{n, join(2, repeat(0x82, 5), repeat(2, at), fromClient|20, 0, 0, 1, 2, 0, 0, 0), []byte{}}
		}
	}
	// The header of Finished, before the keys it is to come under.
	early := setup{server: 1 << 1}
	s["early-finished"] = []any{early.number(), join(2, 31, 0, 4, 0x14, 0, 0, 0x20, 12, 4, 4, 0, 0x82, 0x82, 23, 0, 0, 4, 2), join(answerLater)}
	// An error in the step that hands out the keys.
	s["behind-hello-done"] = []any{setups["tls12-ecdhe"].number(), join(2, 0x82, fromServer|24, 0xff, 0xff, 1, 20, 0x82, 0, 0), []byte{}}
	return s
}

// connSeeds are connections of every kind over wires of every kind, and what may go wrong
// with them.
func connSeeds() seeds {
	s := seeds{}
	data := join(6, 100, 21, 0xc5, 0, 8, 10, 3, 10, 8, 0xcf, 0, 13, 1, 22, 1, 23, 4, 8, 50, 9, 20, 4, 7, 0xd0, 0, 3, 8, 0xff)
	for name, setup := range setups {
		for _, client := range []bool{true, false} {
			role := "server-"
			if client {
				role = "client-"
			}
			n := setup.as(client)
			s[role+name] = []any{n, join(repeat(0, 5), data), []byte{}, []byte{}}
			s[role+"pieces-"+name] = []any{n, join(repeat(0, 40), data, data), []byte{}, repeatBytes([]byte{2, 4, 0x53, 6, 0x3e, 5, 0xff}, 60)}
			s[role+"later-"+name] = []any{n, join(repeat(0, 3), 5, 0, 0, 5, 0, 0, 5, 2, 0, 0, 5, 0, 0, data), repeat(answerLater, 12), []byte{}}
		}
	}
	for how := range 32 {
		n := setups["hooks"].as(how&1 == 0)
		s[fmt.Sprintf("answer-%d", how)] = []any{n, repeat(0, 12), join(0, 0, 0, how<<3|how%answerWays, 0, how), []byte{}}
	}
	for how := range 11 {
		faults := join(0, 0, how<<3|ioOdd, 0, how<<3|ioOdd)
		s[fmt.Sprintf("odd-%d", how)] = []any{setups["plain"].as(how&1 == 0), join(repeat(0, 5), data, 0, 11, 11), []byte{}, faults}
	}
	for op := 27; op < 64; op++ {
		n := setups["client-auth"].as(op&1 == 0)
		s[fmt.Sprintf("tamper-%d-early", op)] = []any{n, join(3, 4, op, 0, 60, 3, 1, 2, 3, repeat(0, 4), 11), []byte{}, []byte{}}
		s[fmt.Sprintf("tamper-%d-late", op)] = []any{n, join(repeat(0, 5), 21, 30, op, 0, 7, 3, 1, 2, 3, 8, 50, 8, 50, 0, 6, 9, 11), []byte{}, []byte{}}
	}
	reset := join(repeat(0, 5), data, 16, 0, repeat(0, 5), data, 15, 16, 1, 3, 16, 2, repeat(0, 5), 12, 8, 5)
	s["reset"] = []any{setups["hooks"].as(true), reset, repeat(answerLater, 3), []byte{}}
	s["reset-server"] = []any{setups["tls12-hooks"].as(false), reset, []byte{}, []byte{}}
	s["settings"] = []any{setups["retry"].as(true), join(17, 0, 17, 1, 17, 2, 17, 3, 17, 4, 17, 5, 17, 6, 17, 8, 17, 10, 17, 11, 0, 0, 0, 17, 0), []byte{}, []byte{}}
	s["rest-and-negotiate"] = []any{setups["plain"].as(true), join(repeat(0, 4), 21, 100, 8, 10, 3, 8, 50), []byte{}, []byte{}}
	renegotiate := setup{versions: 2}.as(true)
	s["renegotiate"] = []any{renegotiate, join(repeat(0, 4), 23, 8, 10, 14, 4, 14, 8, 9, 11), join(2), []byte{}}
	s["renegotiate-closed"] = []any{renegotiate, join(repeat(0, 4), 23, 8, 10, 14, 26, 14, 14), join(2), []byte{}}
	s["renegotiate-eof"] = []any{renegotiate, join(repeat(0, 4), 26, 8, 10, 14), []byte{}, []byte{}}
	s["shutdown-early"] = []any{setups["plain"].as(false), join(3, 4, 3, 11, 3, 4, 3, 4, 12), []byte{}, []byte{}}
	s["time-passes"] = []any{setups["client-auth"].as(false) | 0x7f<<16, join(0, 0, 19, 0, 0, 5, 0), repeat(answerLater, 9), []byte{}}
	return s
}

func repeatBytes(b []byte, n int) (out []byte) {
	for range n {
		out = append(out, b...)
	}
	return out
}
