package conn

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind: the library starts none, and tests end theirs.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rounds returns n, or fewer under the race detector, which makes all slower by about
// five times.
func rounds(n int) int {
	if underRace {
		return max(n/8, 1)
	}
	return n
}
