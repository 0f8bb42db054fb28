package pkcs11

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// URI is a PKCS #11 URI (RFC 7512): it names a token, one of its objects, the module that leads
// there, and where its PIN is. An attribute that is absent is "", nil or -1, and matches anything.
type URI struct {
	// The library: CK_INFO.
	LibraryManufacturer, LibraryDescription string
	LibraryVersion                          string // "M" or "M.N"

	// The slot: CK_SLOT_INFO.
	SlotManufacturer, SlotDescription string
	SlotID                            int64 // -1 = absent

	// The token: CK_TOKEN_INFO.
	Token, Manufacturer, Serial, Model string

	// The object: CKA_LABEL, CKA_ID and the class: "public", "private", "cert", "secret-key" or
	// "data".
	Object string
	ID     []byte
	Type   string

	// The query.
	PINSource  string // a file: URI or a path
	PINValue   *string
	ModuleName string // without "lib" and ".so"
	ModulePath string

	// Vendor and VendorQuery hold the attributes that RFC 7512 does not define, path and query
	// apart. In the query one may stand there more than once.
	Vendor      map[string]string
	VendorQuery map[string][]string
}

// maxURILen bounds a URI, in bytes.
const maxURILen = 16 << 10

const uriScheme = "pkcs11:"

// ParseURI reads a PKCS #11 URI. The scheme is case-insensitive, everything else is not (RFC
// 7512, Section 2.6). Errors name the attribute: it is there twice, its escape is bad, its
// value is none. They never show the value of pin-value.
func ParseURI(s string) (*URI, error) {
	if len(s) > maxURILen {
		return nil, fmt.Errorf("pkcs11: a URI of %d bytes is longer than %d", len(s), maxURILen)
	}
	if len(s) < len(uriScheme) || !strings.EqualFold(s[:len(uriScheme)], uriScheme) {
		return nil, fmt.Errorf("pkcs11: a URI begins with %q", uriScheme)
	}
	path, query, _ := strings.Cut(s[len(uriScheme):], "?")
	u := &URI{SlotID: -1}
	if err := u.attributes(path, ";", pathChars, u.setPath); err != nil {
		return nil, err
	}
	if err := u.attributes(query, "&", queryChars, u.setQuery); err != nil {
		return nil, err
	}
	if u.PINSource != "" && u.PINValue != nil {
		return nil, fmt.Errorf("pkcs11: the URI has both pin-source and pin-value")
	}
	return u, nil
}

// Characters that stand for themselves beside letters and digits: RFC 7512, Section 2.3.
const (
	unreserved = "-._~"
	pathChars  = unreserved + ":[]@!$'()*+,=&"
	queryChars = unreserved + ":[]@!$'()*+,=/?|"
)

// attributes splits list at separator and gives each attribute, decoded, to set.
func (u *URI) attributes(list, separator, allowed string, set func(name, value string) (bool, error)) error {
	if list == "" {
		return nil
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(list, separator) {
		name, raw, ok := strings.Cut(part, "=")
		if !ok || !isName(name) {
			return fmt.Errorf("pkcs11: the URI has an attribute that is no name=value")
		}
		if seen[name] && (separator == ";" || slices.Contains(queryNames, name)) {
			return fmt.Errorf("pkcs11: the URI has %s twice", name)
		}
		seen[name] = true
		value, err := unescape(name, raw, allowed)
		if err != nil {
			return err
		}
		ok, err = set(name, value)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("pkcs11: the URI's %s has a value that it cannot have", name)
		}
	}
	return nil
}

// setPath takes one attribute of the path; ok is false if its value is impossible.
func (u *URI) setPath(name, value string) (ok bool, err error) {
	if name != "id" && !utf8.ValidString(value) {
		return false, nil
	}
	switch name {
	case "library-manufacturer":
		u.LibraryManufacturer = value
	case "library-description":
		u.LibraryDescription = value
	case "library-version":
		u.LibraryVersion = value
		major, minor, dot := strings.Cut(value, ".")
		return isByte(major) && (!dot || isByte(minor)), nil
	case "slot-manufacturer":
		u.SlotManufacturer = value
	case "slot-description":
		u.SlotDescription = value
	case "slot-id":
		n, err := strconv.ParseUint(value, 10, 63)
		u.SlotID = int64(n)
		return err == nil && isDigits(value), nil
	case "token":
		u.Token = value
	case "manufacturer":
		u.Manufacturer = value
	case "serial":
		u.Serial = value
	case "model":
		u.Model = value
	case "object":
		u.Object = value
	case "id":
		u.ID = []byte(value)
	case "type":
		u.Type = value
		return slices.Contains([]string{"public", "private", "cert", "secret-key", "data"}, value), nil
	default:
		if u.Vendor == nil {
			u.Vendor = map[string]string{}
		}
		u.Vendor[name] = value
	}
	return true, nil
}

// queryNames are the attributes that RFC 7512 defines for the query; others may be repeated there.
var queryNames = []string{"pin-source", "pin-value", "module-name", "module-path"}

// setQuery takes one attribute of the query.
func (u *URI) setQuery(name, value string) (ok bool, err error) {
	if !utf8.ValidString(value) {
		return false, nil
	}
	switch name {
	case "pin-source":
		u.PINSource = value
		if strings.HasPrefix(value, "|") {
			return false, fmt.Errorf("pkcs11: the URI's pin-source is a command, and none is run for a PIN")
		}
		return value != "", nil
	case "pin-value":
		u.PINValue = &value
	case "module-name":
		u.ModuleName = value
		return value != "" && !strings.ContainsAny(value, "/\\\x00"), nil
	case "module-path":
		u.ModulePath = value
		return value != "" && !strings.Contains(value, "\x00"), nil
	default:
		if u.VendorQuery == nil {
			u.VendorQuery = map[string][]string{}
		}
		u.VendorQuery[name] = append(u.VendorQuery[name], value)
	}
	return true, nil
}

// unescape decodes one value. Errors do not quote it: it may be a PIN.
func unescape(name, raw, allowed string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '%':
			if i+2 >= len(raw) {
				return "", fmt.Errorf("pkcs11: the URI's %s ends within an escape", name)
			}
			n, err := strconv.ParseUint(raw[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("pkcs11: the URI's %s has an escape that is not two hexadecimal digits", name)
			}
			b.WriteByte(byte(n))
			i += 2
		case isAlphanumeric(c) || strings.IndexByte(allowed, c) >= 0:
			b.WriteByte(c)
		default:
			return "", fmt.Errorf("pkcs11: the URI's %s has a character that has to be escaped", name)
		}
	}
	return b.String(), nil
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isName(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isByte reports whether s is one part of a CK_VERSION.
func isByte(s string) bool {
	_, err := strconv.ParseUint(s, 10, 8)
	return err == nil && isDigits(s)
}
