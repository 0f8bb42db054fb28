package record

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// TestWycheproofHMAC holds the MACs of TLS 1.2, taken in the open and in secret length, to the vectors
// of HMAC.
func TestWycheproofHMAC(t *testing.T) {
	for name, h := range map[string]crypto.Hash{
		"hmac_sha1_test.json": crypto.SHA1, "hmac_sha256_test.json": crypto.SHA256, "hmac_sha384_test.json": crypto.SHA384,
	} {
		data, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			TestGroups []struct {
				TagSize int // bits
				Tests   []struct {
					TcID                   int
					Comment, Key, Msg, Tag string
					Result                 string
				}
			}
		}
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		unhex := func(s string) []byte {
			b, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		ran := 0
		for _, g := range v.TestGroups {
			for _, tc := range g.Tests {
				key, msg, tag := unhex(tc.Key), unhex(tc.Msg), unhex(tc.Tag)
				if len(key) > h.New().BlockSize() {
					continue // TLS has none that is hashed first
				}
				ran++
				var m mac12
				if err := m.init(h, key); err != nil {
					t.Fatal(err)
				}
				n := min(len(msg), headerLen12)
				open := bytes.Clone(m.of(msg[:n], msg[n:]))
				secret := m.ofCT(msg[:n], msg[n:], len(msg)-n, max(0, len(msg)-n-255), len(msg)-n)
				for what, sum := range map[string][]byte{"of": open, "ofCT": secret} {
					if bytes.Equal(sum[:g.TagSize/8], tag) != (tc.Result == "valid") {
						t.Errorf("%s %d, %s: %s is %x beside %x, which is %s", name, tc.TcID, tc.Comment, what, sum, tag, tc.Result)
					}
				}
			}
		}
		if ran < 100 {
			t.Errorf("%s: %d tests run", name, ran)
		}
	}
}
