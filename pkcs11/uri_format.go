package pkcs11

import (
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String writes u so that ParseURI reads the same from it, but for pin-value, which it leaves
// out: URIs end up in logs. Attributes come in one order.
func (u *URI) String() string {
	var path, query []string
	add := func(list *[]string, separator, name, value string) {
		if value != "" {
			*list = append(*list, name+"="+escape(value, separator))
		}
	}
	for _, a := range []struct{ name, value string }{
		{"library-manufacturer", u.LibraryManufacturer},
		{"library-description", u.LibraryDescription},
		{"library-version", u.LibraryVersion},
		{"slot-manufacturer", u.SlotManufacturer},
		{"slot-description", u.SlotDescription},
		{"slot-id", slotID(u.SlotID)},
		{"manufacturer", u.Manufacturer},
		{"model", u.Model},
		{"serial", u.Serial},
		{"token", u.Token},
		{"object", u.Object},
		{"type", u.Type},
	} {
		add(&path, ";", a.name, a.value)
	}
	if len(u.ID) > 0 {
		path = append(path, "id="+escapeAll(u.ID))
	}
	for _, name := range slices.Sorted(maps.Keys(u.Vendor)) {
		path = append(path, name+"="+escape(u.Vendor[name], ";"))
	}
	add(&query, "&", "module-name", u.ModuleName)
	add(&query, "&", "module-path", u.ModulePath)
	add(&query, "&", "pin-source", u.PINSource)
	for _, name := range slices.Sorted(maps.Keys(u.VendorQuery)) {
		for _, value := range u.VendorQuery[name] {
			query = append(query, name+"="+escape(value, "&"))
		}
	}
	s := uriScheme + strings.Join(path, ";")
	if len(query) > 0 {
		s += "?" + strings.Join(query, "&")
	}
	return s
}

// LogValue logs what String says.
func (u *URI) LogValue() slog.Value { return slog.StringValue(u.String()) }

// GoString is String, so that no verb of package fmt prints the PIN.
func (u *URI) GoString() string { return u.String() }

func slotID(n int64) string {
	if n < 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// escape percent-encodes what may not stand in an attribute that separator ends.
func escape(value, separator string) string {
	allowed := pathChars
	if separator == "&" {
		allowed = queryChars
	}
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; isAlphanumeric(c) || strings.IndexByte(allowed, c) >= 0 {
			b.WriteByte(c)
		} else {
			writeEscape(&b, c)
		}
	}
	return b.String()
}

// escapeAll percent-encodes all of an ID, as RFC 7512, Section 2.3 asks for.
func escapeAll(id []byte) string {
	var b strings.Builder
	for _, c := range id {
		writeEscape(&b, c)
	}
	return b.String()
}

func writeEscape(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}
