package conn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

func checkALPN(names []string) error {
	total := 0
	for _, name := range names {
		if len(name) == 0 || len(name) > 255 {
			return fmt.Errorf("application protocol %q is not 1 to 255 bytes long", name)
		}
		total += 1 + len(name)
	}
	if total > 65535 {
		return fmt.Errorf("the application protocols are %d bytes long, more than 65535", total)
	}
	return nil
}

// checkServerName refuses what server_name cannot hold (RFC 6066, Section 3).
func checkServerName(name string) error {
	switch {
	case len(name) > 255:
		return fmt.Errorf("server name of %d bytes is longer than 255", len(name))
	case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fmt.Errorf("server name %q is not visible ASCII, as an internationalized name has to be written", name)
	}
	return nil
}

// checkValues looks for values that no setting can have.
func (cfg *Config) checkValues() error {
	if err := checkServerName(cfg.ServerName); err != nil {
		return err
	}
	switch {
	case cfg.ClientAuth > RequireClientAuth:
		return fmt.Errorf("ClientAuth %d is no mode of client authentication", cfg.ClientAuth)
	case cfg.Validation > asyncpkey.Strict:
		return fmt.Errorf("%d is no mode of Validation", cfg.Validation)
	case cfg.OperationTimeout < 0:
		return fmt.Errorf("OperationTimeout %v is negative", cfg.OperationTimeout)
	case cfg.SigningSchemes != nil && len(offerable(cfg.SigningSchemes)) == 0:
		return fmt.Errorf("none of the signature schemes %v of SigningSchemes is implemented", cfg.SigningSchemes)
	case cfg.Groups != nil && !slices.ContainsFunc(cfg.Groups, handshake.SupportsGroup):
		return fmt.Errorf("none of the groups %v is implemented", cfg.Groups)
	case cfg.RecordSize < 0 || cfg.RecordSize > record.MaxPlaintext:
		return fmt.Errorf("RecordSize %d is not 1 to %d", cfg.RecordSize, record.MaxPlaintext)
	case cfg.SendBufferSize < 0:
		return fmt.Errorf("SendBufferSize %d is negative", cfg.SendBufferSize)
	case cfg.MaxChainDepth < 0:
		return fmt.Errorf("MaxChainDepth %d is negative", cfg.MaxChainDepth)
	case cfg.MaxCertificateBytes < 0 || cfg.MaxCertificateBytes > 1<<24-1:
		return fmt.Errorf("MaxCertificateBytes %d is not 0 to %d", cfg.MaxCertificateBytes, 1<<24-1)
	}
	return nil
}

// checkVersions looks at the bounds, before versions are chosen by them.
func (cfg *Config) checkVersions() error {
	for _, v := range [...]iana.Version{cfg.MinVersion, cfg.MaxVersion} {
		if v != 0 && v != iana.TLS12 && v != iana.TLS13 {
			return fmt.Errorf("MinVersion and MaxVersion are %v or %v, not %v", iana.TLS12, iana.TLS13, v)
		}
	}
	return nil
}
