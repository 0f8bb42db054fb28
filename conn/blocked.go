package conn

import "fmt"

// Blocked says what a call waits for (s2n_blocked_status). With a nil error and anything
// but NotBlocked the call is not done: call it again when what it waits for is there.
type Blocked uint8

// The statuses.
const (
	NotBlocked                Blocked = iota
	BlockedOnRead                     // bytes from the peer
	BlockedOnWrite                    // room for bytes to the peer
	BlockedOnApplicationInput         // an answer to a hook's operation; Config.Wake tells when
	BlockedOnEarlyData                // the application's early data
	BlockedOnApplicationData          // application data that has to be received first
)

// String returns the status in words.
func (b Blocked) String() string {
	names := [...]string{"not blocked", "blocked on read", "blocked on write", "blocked on application input", "blocked on early data", "blocked on application data"}
	if int(b) < len(names) {
		return names[b]
	}
	return fmt.Sprintf("Blocked(%d)", uint8(b))
}
