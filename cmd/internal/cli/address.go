package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// resolveLimit bounds the look-up of a host name.
const resolveLimit = 10 * time.Second

// ParsePort reads a port from low to 65535.
func ParsePort(s string, low int) (uint16, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > 65535 {
		return 0, Usage("port "+strconv.Quote(s), "not a number from %d to 65535", low)
	}
	return uint16(n), nil
}

// Resolve returns the addresses of a host, a name or an address with or without brackets,
// in the order in which to try them.
func Resolve(host string, port uint16) ([]netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(Unbracket(host)); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), port)}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", host, err)
	}
	var found []netip.AddrPort
	for _, ip := range ips {
		found = append(found, netip.AddrPortFrom(ip.Unmap(), port))
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("host %s: it has no address", host)
	}
	return found, nil
}

// Unbracket takes the brackets off an IPv6 address.
func Unbracket(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}
