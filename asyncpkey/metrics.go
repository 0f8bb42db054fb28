package asyncpkey

import "time"

// PoolMetrics is what a Pool was doing at one moment, and has done until then.
type PoolMetrics struct {
	Workers  int // goroutines, stuck ones included
	Queued   int // operations that wait for a worker
	InFlight int // calls of keys under way, stuck ones included
	Stuck    int // of these, calls whose operations are over

	Done    uint64 // operations performed and applied
	Failed  uint64 // calls that returned an error, and Strict signatures that did not verify
	Useless uint64 // calls whose operation somebody else had answered when they returned
	Late    uint64 // calls that were under way when their operation ended, Stuck included
	Refused uint64 // operations not taken, because the Pool was full or closed
	Skipped uint64 // operations that left the queue without a call of their key: they were over

	Wait Histogram // from Submit to the call
	Call Histogram // of calls that were not late, Apply included
}

// HistogramBuckets is the number of buckets of a Histogram.
const HistogramBuckets = 20

// bounds are the upper limits of all buckets but the last.
var bounds = [HistogramBuckets - 1]time.Duration{
	10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// HistogramBound returns the longest duration that bucket i counts, 10 us for the first and
// 10 s for the last but one; the last has none and returns 0.
func HistogramBound(i int) time.Duration {
	if i < 0 || i >= len(bounds) {
		return 0
	}
	return bounds[i]
}

// Histogram counts durations in fixed buckets, each by its HistogramBound.
type Histogram struct {
	Count   uint64
	Sum     time.Duration
	Max     time.Duration
	Buckets [HistogramBuckets]uint64
}

func (h *Histogram) add(d time.Duration) {
	h.Count++
	h.Sum += d
	h.Max = max(h.Max, d)
	for i, b := range bounds {
		if d <= b {
			h.Buckets[i]++
			return
		}
	}
	h.Buckets[len(bounds)]++
}

// Mean returns the mean, 0 if there is nothing to take it of.
func (h *Histogram) Mean() time.Duration {
	if h.Count == 0 {
		return 0
	}
	return h.Sum / time.Duration(h.Count)
}

// Quantile returns a duration that at least the share q of the counted ones does not
// exceed: the bound of their bucket, or Max where that is less. It is 0 without any.
func (h *Histogram) Quantile(q float64) time.Duration {
	var below uint64
	for i, n := range h.Buckets {
		below += n
		if below > 0 && float64(below) >= q*float64(h.Count) {
			if i == len(bounds) {
				return h.Max
			}
			return min(bounds[i], h.Max)
		}
	}
	return 0
}

func (m *PoolMetrics) note(o outcome) {
	switch o {
	case done:
		m.Done++
	case failed:
		m.Failed++
	case useless:
		m.Useless++
	}
}

// Metrics returns what the Pool is doing.
func (p *Pool) Metrics() PoolMetrics {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.counts
	m.Workers, m.Queued, m.InFlight, m.Stuck = p.workers, p.queue.n, p.inFlight, p.stuck
	return m
}
