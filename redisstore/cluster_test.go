package redisstore

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// startCluster starts a cluster of two masters, each with half of the keys, and returns a client.
func startCluster(t *testing.T) (redis.UniversalClient, []*interop.Redis) {
	t.Helper()
	ctx := context.Background()
	var nodes []*interop.Redis
	var buses []int // ports on which the nodes talk to each other
	for i := range 2 {
		buses = append(buses, interop.FreePort(t))
		r := interop.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(buses[i]))
		nodes = append(nodes, r)
		if err := dial(t, r.Address).ClusterAddSlotsRange(ctx, 8192*i, 8192*i+8191).Err(); err != nil {
			t.Fatal(err)
		}
	}
	first := dial(t, nodes[0].Address)
	host, port, err := net.SplitHostPort(nodes[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Do(ctx, "CLUSTER", "MEET", host, port, buses[1]).Err(); err != nil {
		t.Fatal(err)
	}
	for _, r := range nodes {
		eventually(t, "the cluster", func() bool {
			info, err := dial(t, r.Address).ClusterInfo(ctx).Result()
			return err == nil && field(info+"\r\n", "cluster_state") == "ok"
		})
	}
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{nodes[0].Address}, IsClusterMode: true})
	t.Cleanup(func() { client.Close() })
	return client, nodes
}

// TestCluster spreads what a Store keeps over two masters.
func TestCluster(t *testing.T) {
	client, nodes := startCluster(t)
	s, err := New(client, fleetSecret, patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the epoch", func() bool { return s.Began() != never })
	for i := range 20 {
		id := strconv.Itoa(i)
		if err := put(t, s, id, "entry "+id, time.Minute); err != nil {
			t.Fatal(err)
		}
		if e, err := get(t, s, id); e != "entry "+id || err != nil {
			t.Errorf("%q, %v", e, err)
		}
		for n, want := range []bool{true, false} {
			if fresh, err := record(t, s, byte(i)); fresh != want || err != nil {
				t.Errorf("time %d: fresh %v, %v", n, fresh, err)
			}
		}
	}
	ctx := context.Background()
	for _, r := range nodes {
		if n, err := dial(t, r.Address).DBSize(ctx).Result(); err != nil || n < 5 {
			t.Errorf("one of the masters has %d keys, %v", n, err)
		}
	}
	// One of two masters loses its memory: nothing of before counts.
	began := s.Began()
	nodes[1].Kill()
	eventually(t, "the store to notice", func() bool { return s.Began() == never || s.Began().After(began) })
	if fresh, _ := record(t, s, 200); fresh {
		t.Error("fresh without a master")
	}
}

// TestRing takes no early data where servers know nothing of each other.
func TestRing(t *testing.T) {
	r := interop.StartRedis(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": r.Address}})
	t.Cleanup(func() { ring.Close() })
	s, err := New(ring, fleetSecret, patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if fresh, err := record(t, s, 1); fresh || !errors.Is(err, ErrNotReady) || s.Began() != never {
		t.Errorf("fresh %v, %v", fresh, err)
	}
	if err := put(t, s, "id", "entry", time.Minute); err != nil {
		t.Error(err)
	}
}
