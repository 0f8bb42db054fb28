package cli

import "golang.org/x/sys/unix"

// pollHangup asks poll to tell that the peer has closed its side, unread bytes or not.
const pollHangup = unix.POLLRDHUP
