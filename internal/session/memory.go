package session

import (
	"container/list"
	"sync"
	"time"
)

// entryOverhead is about what an entry costs in memory beside its own bytes.
const entryOverhead = 256

// Memory keeps entries by their ID up to a limit of bytes; the one that was used longest ago gives way.
// It is safe on all goroutines. Entries are secrets: they are copied in and out, and wiped when they
// go.
type Memory struct {
	mu      sync.Mutex
	limit   int
	size    int
	entries map[string]*list.Element
	recent  list.List // of *memoryEntry, the latest used in front
}

type memoryEntry struct {
	id      string
	data    []byte
	expires time.Time
}

func (e *memoryEntry) size() int { return len(e.id) + len(e.data) + entryOverhead }

// NewMemory returns an empty Memory that takes about maxBytes bytes at most.
func NewMemory(maxBytes int) *Memory {
	return &Memory{limit: maxBytes, entries: make(map[string]*list.Element)}
}

// Get returns a copy of the entry of id, or nil if there is none at now.
func (m *Memory) Get(id []byte, now time.Time) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.find(id, now)
	if at == nil {
		return nil
	}
	m.recent.MoveToFront(at)
	return append([]byte{}, at.Value.(*memoryEntry).data...)
}

// Put keeps a copy of data under id until expires, in place of what is there. It reports whether it
// does: not if data alone exceeds the limit or its time is over.
func (m *Memory) Put(id, data []byte, expires, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.find(id, now); at != nil {
		m.remove(at)
	}
	e := &memoryEntry{id: string(id), expires: expires}
	if e.size()+len(data) > m.limit || !now.Before(expires) {
		return false
	}
	e.data = append(e.data, data...)
	for m.size+e.size() > m.limit {
		m.remove(m.recent.Back())
	}
	m.size += e.size()
	m.entries[e.id] = m.recent.PushFront(e)
	return true
}

// Delete drops the entry of id and reports whether there was one: of many callers one is told so.
func (m *Memory) Delete(id []byte, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.find(id, now)
	if at == nil {
		return false
	}
	m.remove(at)
	return true
}

// Len returns the number of entries, expired ones that nobody has asked for included.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recent.Len()
}

// find returns the entry of id, which it drops if its time is over. The lock is held.
func (m *Memory) find(id []byte, now time.Time) *list.Element {
	at := m.entries[string(id)]
	if at != nil && !now.Before(at.Value.(*memoryEntry).expires) {
		m.remove(at)
		return nil
	}
	return at
}

// remove drops an entry. The lock is held.
func (m *Memory) remove(at *list.Element) {
	e := m.recent.Remove(at).(*memoryEntry)
	delete(m.entries, e.id)
	m.size -= e.size()
	clear(e.data)
}
