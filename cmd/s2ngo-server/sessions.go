package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/redisstore"
)

const (
	// cacheBytes bounds --session-cache memory.
	cacheBytes = 64 << 20
	// maxKeyFile bounds --stk-file.
	maxKeyFile = 4096
	// maxKeyLife bounds --stk-lifetime.
	maxKeyLife = 7 * 24 * time.Hour
	// syncLimit is how long the server waits for its fleet before it starts without.
	syncLimit = 2 * time.Second
	// fileKeyLife is how long the key of --stk-file serves: as long as the process.
	fileKeyLife = 10 * 365 * 24 * time.Hour
)

// sessionOptions are what the server can be told of sessions, beyond what both programs can.
type sessionOptions struct {
	cache        string
	keyFile      string
	keyLife      time.Duration
	maxEarlyData int
}

func (o *sessionOptions) add(f *cli.Flags) {
	f.Func("max-early-data", "N", "take N bytes of early data with tickets; 0 = none, the default", func(s string) (err error) {
		if o.maxEarlyData, err = cli.ParseSize(s); err == nil && o.maxEarlyData > cli.MaxEarlyData {
			err = fmt.Errorf("more than %d bytes", cli.MaxEarlyData)
		}
		return err
	})
	f.String(&o.cache, "session-cache", "WHERE", "keep sessions in \"memory\" or at redis://HOST:PORT,\nwhich a fleet shares")
	f.Duration(&o.keyLife, "stk-lifetime", "DUR", "with redis: how long a ticket key seals (default 2h); it\nopens 6.5 times as long after that")
	f.String(&o.keyFile, "stk-file", "FILE", "secret of the session ticket key: servers with the same\nresume each other's sessions; with redis the fleet's secret,\n32 bytes or 64 hexadecimal digits")
}

// shared reports whether the session cache is one that a fleet shares.
func (o *sessionOptions) shared() bool {
	for _, scheme := range []string{"redis://", "rediss://", "unix://"} {
		if strings.HasPrefix(o.cache, scheme) {
			return true
		}
	}
	return false
}

// check looks for what does not go together.
func (o *sessionOptions) check(noTickets bool) error {
	switch {
	case o.cache != "" && o.cache != "memory" && !o.shared():
		return cli.Usage("--session-cache "+o.cache, "neither memory nor redis://HOST:PORT")
	case o.shared() && o.keyFile == "":
		return cli.Usage("--session-cache "+o.cache, "needs --stk-file, the fleet's secret")
	case o.keyLife != 0 && !o.shared():
		return cli.Usage("--stk-lifetime", "is for --session-cache redis://HOST:PORT")
	case o.keyLife > maxKeyLife:
		return cli.Usage("--stk-lifetime", "longer than %v", maxKeyLife)
	case o.keyFile != "" && noTickets && !o.shared():
		return cli.Usage("options", "--stk-file and --no-session-ticket exclude each other")
	}
	return nil
}

// apply tells a configuration. release ends what was begun for it.
func (o *sessionOptions) apply(cfg *conn.Config) (release func(), err error) {
	cfg.MaxEarlyData = uint32(o.maxEarlyData)
	release = func() {}
	if o.cache == "memory" {
		cfg.SessionStore = conn.NewMemoryStore(cacheBytes)
	}
	if o.shared() {
		return o.join(cfg)
	}
	if o.keyFile == "" {
		return release, nil
	}
	secret, err := cli.LoadLimited("--stk-file", o.keyFile, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	if len(secret) == 0 {
		return nil, fmt.Errorf("--stk-file %s: empty", o.keyFile)
	}
	name := sha256.Sum256(append([]byte("s2ngo-server ticket key name "), secret...))
	cfg.TicketKeys = conn.NewTicketKeys(conn.TicketKeysConfig{EncryptLifetime: fileKeyLife})
	return release, cfg.TicketKeys.Add(name[:16], secret, time.Time{}, time.Now())
}

// join makes the server one of a fleet.
func (o *sessionOptions) join(cfg *conn.Config) (leave func(), err error) {
	secret, err := redisstore.LoadSecret(o.keyFile)
	if err != nil {
		return nil, fmt.Errorf("--stk-file: %w", err)
	}
	defer clear(secret)
	client, err := redisstore.Dial(o.cache)
	if err != nil {
		return nil, fmt.Errorf("--session-cache: %w", err)
	}
	keys := conn.TicketKeysConfig{EncryptLifetime: o.keyLife, DecryptLifetime: 13 * o.keyLife / 2}
	store, err := redisstore.New(client, secret, redisstore.Options{TicketKeys: keys})
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("--session-cache: %w", err)
	}
	cfg.SessionStore, cfg.ReplayRecorder = store, store
	if cfg.SessionTickets {
		cfg.TicketKeys = store.TicketKeys()
	}
	ctx, cancel := context.WithTimeout(context.Background(), syncLimit)
	defer cancel()
	if err := store.Sync(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: session cache: starting without it: %v\n", program, err)
	}
	return func() { store.Close(); client.Close() }, nil
}
