package handshake

import (
	"net/netip"
	"strings"
)

// isAddress reports whether a server name is an IP address, which is not sent in
// server_name (RFC 6066, Section 3). Nearly every name ends in a letter, as no IPv4 address
// does: there is no need to make an error of it.
func isAddress(name string) bool {
	if name == "" || !strings.Contains(name, ":") && (name[len(name)-1] < '0' || name[len(name)-1] > '9') {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
