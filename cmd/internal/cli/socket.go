package cli

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/s2ngo/s2ngo/conn"
	"golang.org/x/sys/unix"
)

// Socket is a non-blocking TCP socket. Its Recv and Send are callbacks for a conn.Conn.
type Socket struct {
	fd   int
	Peer netip.AddrPort
}

// backlog is what listen asks for; the kernel cuts it down to its own limit.
const backlog = 4096

// Listen opens a listening socket.
func Listen(address netip.AddrPort) (*Socket, error) {
	fd, err := open(address)
	if err != nil {
		return nil, err
	}
	s := &Socket{fd: fd}
	target, err := sockaddr(address)
	if err == nil {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	}
	if err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, target))
	}
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Local returns the socket's own address.
func (s *Socket) Local() netip.AddrPort {
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}

// Accept returns a new connection's socket, or conn.ErrWouldBlock.
func (s *Socket) Accept() (*Socket, error) {
	for {
		fd, sa, err := unix.Accept(s.fd)
		switch err {
		case nil:
		case unix.EINTR, unix.ECONNABORTED:
			continue
		case unix.EAGAIN:
			return nil, conn.ErrWouldBlock
		default:
			return nil, os.NewSyscallError("accept", err)
		}
		if err := prepare(fd); err != nil {
			unix.Close(fd)
			return nil, err
		}
		return &Socket{fd: fd, Peer: addrPort(sa)}, nil
	}
}

// Connect begins a connection. It is there, or has failed, when the socket is writable:
// see Connected.
func Connect(address netip.AddrPort) (*Socket, error) {
	fd, err := open(address)
	if err != nil {
		return nil, err
	}
	s := &Socket{fd: fd, Peer: address}
	target, err := sockaddr(address)
	if err != nil {
		s.Close()
		return nil, err
	}
	switch err := unix.Connect(fd, target); err {
	case nil, unix.EINPROGRESS, unix.EINTR:
		return s, nil
	default:
		s.Close()
		return nil, os.NewSyscallError("connect", err)
	}
}

// Connected returns what became of Connect.
func (s *Socket) Connected() error {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}

// Recv is the socket's conn.RecvFunc.
func (s *Socket) Recv(p []byte) (int, error) { return Read(s.fd, p) }

// Send is the socket's conn.SendFunc.
func (s *Socket) Send(p []byte) (int, error) { return Write(s.fd, p) }

// CloseWrite tells the peer that no more bytes come.
func (s *Socket) CloseWrite() {
	_ = unix.Shutdown(s.fd, unix.SHUT_WR) // the one error is that the peer is gone
}

// Close gives the socket back to the system.
func (s *Socket) Close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// Read reads from a descriptor: io.Reader's contract, with conn.ErrWouldBlock.
func Read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, conn.ErrWouldBlock
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes to a descriptor what it takes at once.
func Write(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, conn.ErrWouldBlock
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

// open makes a non-blocking TCP socket for the family of address.
func open(address netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if address.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// prepare makes a socket non-blocking and quick with small writes.
func prepare(fd int) error {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
}

func sockaddr(address netip.AddrPort) (unix.Sockaddr, error) {
	ip := address.Addr()
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: int(address.Port()), Addr: ip.As4()}, nil
	}
	sa := &unix.SockaddrInet6{Port: int(address.Port()), Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
			sa.ZoneId = uint32(n)
		} else if i, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(i.Index)
		} else {
			return nil, fmt.Errorf("zone %s of address %s: %w", zone, ip, err)
		}
	}
	return sa, nil
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 && ip.Is6() {
			ip = ip.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}
