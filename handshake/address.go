package handshake

import "net/netip"

// isAddress reports whether a server name is an IP address, which is not sent in
// server_name (RFC 6066, Section 3).
func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
