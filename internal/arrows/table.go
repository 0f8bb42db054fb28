// Package arrows holds which package of this module may import which, as one table that a test
// compares with the code.
package arrows

// A row says what one package may import.
type row struct {
	// pkg is a path below the module's, or with "/..." at its end that path and all below it.
	pkg string
	// may lists the packages of this module that it may import, "..." standing for all.
	may string
	// tests lists what its tests may import besides, apart from the package itself and
	// everyTest.
	tests string
	// tls says how near it may come to the standard library's TLS.
	tls stdTLS
}

// stdTLS grades how near a package may come to crypto/tls outside of its tests.
type stdTLS uint8

const (
	// apart: crypto/tls is not even linked. This is a TLS stack of its own.
	apart stdTLS = iota
	// linked: a package of another module, or net/http, may bring it along.
	linked
	// imported: it may be used.
	imported
)

// everyTest lists what the tests of every package may import.
const everyTest = "internal/testpeer testvectors"

// table is the whole of it: what is absent is forbidden, and so is a package without a row. Of two
// rows that fit, the first counts.
var table = []row{
	// Programs. They run on the non-blocking API, never on netconn; the store of a fleet
	// belongs to the server alone.
	{pkg: "cmd/s2ngo-server", tls: linked,
		may: "cmd/internal/cli conn pkcs11 redisstore policy asyncpkey async iana internal/testpeer", tests: "internal/interop"},
	{pkg: "cmd/s2ngo-client", tls: linked,
		may: "cmd/internal/cli conn pkcs11 policy asyncpkey async iana internal/testpeer"},
	{pkg: "cmd/internal/cli", tls: linked,
		may: "conn pkcs11 policy asyncpkey async iana internal/testpeer"},
	{pkg: "examples/...", tls: imported,
		may: "netconn conn pkcs11 policy asyncpkey async iana", tests: "internal/interop"},

	// The API.
	{pkg: "netconn", may: "conn iana", tls: imported},
	{pkg: "redisstore", may: "conn", tests: "internal/interop", tls: linked},
	{pkg: "conn", may: "handshake record policy asyncpkey async iana" +
		" internal/kdf internal/suite internal/certs internal/session internal/wire internal/verify"},
	{pkg: "pkcs11", may: "asyncpkey async iana", tests: "internal/interop"},
	{pkg: "asyncpkey", may: "async iana internal/sig"},
	{pkg: "policy", may: "iana"},
	{pkg: "async"},
	{pkg: "iana"},

	// The protocol. The handshake knows neither records nor connections: QUIC will drive it too.
	{pkg: "handshake", may: "policy asyncpkey async iana" +
		" internal/wire internal/schedule internal/kdf internal/transcript internal/suite" +
		" internal/kex internal/sig internal/certs internal/verify internal/session", tests: "record"},
	{pkg: "record", may: "iana internal/suite"},

	// What the protocol is made of.
	{pkg: "internal/wire", may: "iana"},
	{pkg: "internal/schedule", may: "internal/kdf internal/transcript internal/suite iana"},
	{pkg: "internal/session", may: "iana internal/kdf internal/suite"},
	{pkg: "internal/certs", may: "policy iana internal/sig"},
	{pkg: "internal/verify", may: "policy iana internal/sig"},
	{pkg: "internal/suite", may: "iana"},
	{pkg: "internal/kex", may: "iana"},
	{pkg: "internal/sig", may: "iana"},
	{pkg: "internal/kdf", may: "iana"},
	{pkg: "internal/transcript"},

	// For tests and programs only: no row of a library package names one of these.
	{pkg: "internal/testpeer", may: "record iana" +
		" internal/wire internal/schedule internal/kdf internal/transcript internal/suite internal/kex internal/sig"},
	// Its starters of tokens certify the keys that they find or make.
	{pkg: "internal/interop/...", may: "internal/testpeer", tests: "...", tls: linked},
	{pkg: "internal/bench/...", may: "...", tls: imported},
	{pkg: "internal/bogo/...", may: "...", tls: imported},
	{pkg: "internal/arrows"},
	{pkg: "fuzz/...", may: "...", tls: imported},
	{pkg: "testvectors/...", tests: "iana"},

	// Writes the data of package policy.
	{pkg: "policy/internal/generate"},
}
