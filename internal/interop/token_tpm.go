//go:build unix

package interop

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tpmKeys are the keys of a TPM's token, all made in the TPM.
var tpmKeys = []struct{ name, algorithm string }{
	{"rsa2048", "rsa2048"},
	{"p256", "ecc256"},
	{"p384", "ecc384"},
}

// TPM starts a software TPM 2.0 and makes a token of tpm2-pkcs11 in it, with the keys that are named,
// or with all if none is: rsa2048, p256, p384. A broker on a message bus of its own swaps the TPM's few
// places for objects. It takes three seconds, and a signature 5 to 10 ms.
func TPM(t testing.TB, names ...string) *Token {
	t.Helper()
	tok := newToken(t, Peer(t, "tpm2-pkcs11"), TokenLabel)
	for _, library := range []string{"tcti-swtpm", "tcti-tabrmd"} {
		Peer(t, library)
	}
	state, store := filepath.Join(tok.dir, "state"), filepath.Join(tok.dir, "store")
	for _, dir := range []string{state, store} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tok.run(t, Peer(t, "swtpm_setup"), "--tpm2", "--tpmstate", state, "--overwrite")

	// The library takes the port behind the server's for the one that controls it.
	port := freePorts(t)
	here := ",bindaddr=127.0.0.1"
	swtpm := Start(t, Peer(t, "swtpm"), "socket", "--tpm2", "--tpmstate", "dir="+state,
		"--server", "type=tcp,port="+strconv.Itoa(port)+here, "--ctrl", "type=tcp,port="+strconv.Itoa(port+1)+here,
		"--flags", "not-need-init,startup-clear")
	swtpm.WaitListening(port, startLimit)
	swtpm.WaitListening(port+1, startLimit)

	bus := "unix:path=" + filepath.Join(tok.dir, "bus")
	daemon := Start(t, Peer(t, "dbus-daemon"), "--session", "--nofork", "--nopidfile", "--print-address=1", "--address="+bus)
	daemon.WaitFor(`(?m)^unix:path=`, startLimit)
	tok.Env = []string{"DBUS_SESSION_BUS_ADDRESS=" + bus, "TPM2_PKCS11_STORE=" + store,
		"TPM2TOOLS_TCTI=tabrmd:bus_type=session", "TPM2_PKCS11_TCTI=tabrmd:bus_type=session"}
	broker := exec.Command(Peer(t, "tpm2-abrmd"), "--allow-root", "--session", "--tcti=swtpm:host=127.0.0.1,port="+strconv.Itoa(port))
	broker.Env = Environment(tok.Env...)
	StartCommand(t, broker).until("its name on the bus", startLimit, func() bool {
		ask := exec.Command(Peer(t, "dbus-send"), "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/",
			"org.freedesktop.DBus.NameHasOwner", "string:com.intel.tss2.Tabrmd")
		ask.Env = broker.Env
		return strings.Contains(RunCommand(t, ask).Stdout, "boolean true")
	})

	ptool := Peer(t, "tpm2_ptool")
	tok.run(t, ptool, "init", "--path", store)
	tok.run(t, ptool, "addtoken", "--pid", "1", "--label", tok.Label, "--sopin", TokenPIN, "--userpin", TokenPIN, "--path", store)
	for _, key := range tpmKeys {
		if len(names) > 0 && !slices.Contains(names, key.name) {
			continue
		}
		tok.run(t, ptool, "addkey", "--algorithm", key.algorithm, "--label", tok.Label, "--userpin", TokenPIN,
			"--key-label", key.name, "--path", store)
		tok.certify(t, key.name, nil, tok.public(t, key.name))
	}
	return tok
}

// freePorts returns the first of two ports in a row on which nothing listens.
func freePorts(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := FreePort(t)
		if l, err := net.Listen("tcp", Address(port+1)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no two free ports in a row in 100 tries")
	return 0
}
