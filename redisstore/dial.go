package redisstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Dial returns a client for New, for one Redis at a URL: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// over
// TLS, or unix:///PATH. It gives up early where go-redis would try again and again. Nothing is connected yet.
// The caller closes it, after the Store.
func Dial(url string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	const patience = 500 * time.Millisecond
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ContextTimeoutEnabled = true
	o.PipelinePoolSize = -1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	beQuiet()
	return redis.NewClient(o), nil
}

// beQuiet takes stderr away from go-redis, for the whole process: what goes wrong is returned.
var beQuiet = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
