// Package redisstore lets a fleet of servers resume each other's sessions through Redis or Valkey: it is
// the conn.SessionStore and the conn.ReplayRecorder of all of them, and brings the same session ticket
// keys to each, which it changes while they are in use.
//
//	client, err := redisstore.Dial("redis://cache.internal:6379")
//	store, err := redisstore.New(client, secret, redisstore.Options{})
//	cfg := &conn.Config{ ..., SessionTickets: true, TicketKeys: store.TicketKeys(),
//		SessionStore: store, ReplayRecorder: store}
//
// Nothing leaves the process but encrypted and authenticated under the fleet's secret, 32 bytes that the
// operator gives every server and Redis never sees, and bound to the key it is stored under: who reads
// Redis learns no session, and who writes to it cannot make one. He can delete, and bring back what was
// there: early data is as safe from replay as Redis is from him. It has to be set not to evict
// keys (maxmemory-policy noeviction), and the clocks of the fleet have to agree to a second.
//
// A server without Redis goes on with full handshakes and the ticket keys that it has, and accepts no early
// data. No handshake waits longer for Redis than Options.Deadline, whatever the client does.
package redisstore
