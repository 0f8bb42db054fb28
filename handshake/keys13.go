package handshake

import "github.com/s2ngo/s2ngo/internal/schedule"

// handshakeSecrets ends the key exchange: the handshake traffic secrets of both sides, from
// the shared secret and the transcript up to ServerHello (RFC 8446, Section 7.1).
func (m *Machine) handshakeSecrets(shared []byte) (keys schedule.Handshake, client, server Secret) {
	early := schedule.New(m.x.suite.Hash, nil)
	keys = early.Handshake(shared)
	client, server = keys.Traffic(m.hash())
	m.keyLog("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client)
	m.keyLog("SERVER_HANDSHAKE_TRAFFIC_SECRET", server)
	return keys, client, server
}

// applicationSecrets consumes the handshake's keys: the first application traffic secrets
// of both sides, from the transcript up to the server's Finished. The exporter's secret
// goes to the Result.
func (m *Machine) applicationSecrets(keys *schedule.Handshake) (client, server Secret) {
	main := keys.Main()
	th := m.hash()
	client, server = main.Traffic(th)
	exporter := main.Exporter(th)
	m.Result.Exporter = schedule.NewExporter(&exporter)
	main.Clear()
	m.keyLog("CLIENT_TRAFFIC_SECRET_0", client)
	m.keyLog("SERVER_TRAFFIC_SECRET_0", server)
	m.keyLog("EXPORTER_SECRET", exporter)
	exporter.Clear()
	return client, server
}
