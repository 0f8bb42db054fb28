package handshake

import "github.com/s2ngo/s2ngo/internal/schedule"

// handshakeSecrets ends the key exchange: the handshake traffic secrets of both sides, from
// the shared secret and the transcript up to ServerHello (RFC 8446, Section 7.1). It consumes
// early.
func (m *Machine) handshakeSecrets(early *schedule.Early, shared []byte) (keys schedule.Handshake, client, server Secret) {
	keys = early.Handshake(shared)
	client, server = keys.Traffic(m.hash())
	m.keyLog("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client)
	m.keyLog("SERVER_HANDSHAKE_TRAFFIC_SECRET", server)
	return keys, client, server
}

// applicationSecrets consumes the handshake's keys: the first application traffic secrets
// of both sides, from the transcript up to the server's Finished. The exporter's secret
// goes to the Result. main is what tickets come from.
func (m *Machine) applicationSecrets(keys *schedule.Handshake) (main schedule.Main, client, server Secret) {
	main = keys.Main()
	th := m.hash()
	client, server = main.Traffic(th)
	exporter := main.Exporter(th)
	m.Result.Exporter = schedule.NewExporter(&exporter)
	m.keyLog("CLIENT_TRAFFIC_SECRET_0", client)
	m.keyLog("SERVER_TRAFFIC_SECRET_0", server)
	m.keyLog("EXPORTER_SECRET", exporter)
	exporter.Clear()
	return main, client, server
}

// earlySecret returns the traffic secret of early data (RFC 8446, Section 7.1). hello is the
// hash of the ClientHello.
func (m *Machine) earlySecret(early *schedule.Early, hello []byte) Secret {
	secret := early.ClientTraffic(hello)
	if m.cfg.KeyLog {
		m.keyLog("CLIENT_EARLY_TRAFFIC_SECRET", secret)
		m.keyLog("EARLY_EXPORTER_SECRET", early.Exporter(hello))
	}
	return secret
}
