package session

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	m := NewMemory(1 << 20)
	id, later := []byte("id"), noon.Add(time.Hour)
	if m.Get(id, noon) != nil || m.Delete(id, noon) {
		t.Error("an empty memory has an entry")
	}
	data := []byte("entry")
	if !m.Put(id, data, later, noon) {
		t.Fatal("not kept")
	}
	clear(data)
	got := m.Get(id, noon)
	if string(got) != "entry" {
		t.Fatalf("kept %q", got)
	}
	clear(got)
	if got := m.Get(id, later.Add(-1)); string(got) != "entry" {
		t.Errorf("changed from outside: %q", got)
	}
	if m.Get(id, later) != nil || m.Len() != 0 {
		t.Error("there when its time is over")
	}
	m.Put(id, []byte("one"), later, noon)
	m.Put(id, []byte("two"), later, noon)
	if got := m.Get(id, noon); string(got) != "two" || m.Len() != 1 {
		t.Errorf("%q, %d entries after the second Put", got, m.Len())
	}
	if !m.Delete(id, noon) || m.Delete(id, noon) || m.Get(id, noon) != nil {
		t.Error("Delete does not delete once")
	}
	if m.Put(id, []byte("x"), noon, noon) || m.Len() != 0 {
		t.Error("kept though its time is over")
	}
	if m.size != 0 {
		t.Errorf("%d bytes are counted in an empty memory", m.size)
	}
}

func TestMemoryLimit(t *testing.T) {
	data := make([]byte, 744) // with an ID of one byte and the overhead: 1001
	m := NewMemory(3100)
	later := noon.Add(time.Hour)
	for i := range byte(3) {
		m.Put([]byte{i}, data, later, noon)
	}
	m.Get([]byte{0}, noon) // now 1 was used longest ago
	m.Put([]byte{3}, data, later, noon)
	for i, want := range []bool{true, false, true, true} {
		if got := m.Get([]byte{byte(i)}, noon) != nil; got != want {
			t.Errorf("entry %d is there: %v", i, got)
		}
	}
	if m.Put([]byte{4}, make([]byte, 3000), later, noon) || m.Len() != 3 {
		t.Error("an entry above the limit is kept, or drove the others out")
	}
	if m.size > m.limit {
		t.Errorf("%d bytes, limit %d", m.size, m.limit)
	}
}

func TestMemoryWipes(t *testing.T) {
	m := NewMemory(1 << 20)
	m.Put([]byte("id"), []byte("secret"), noon.Add(time.Hour), noon)
	inside := m.entries["id"].Value.(*memoryEntry).data
	m.Delete([]byte("id"), noon)
	if !bytes.Equal(inside, make([]byte, len(inside))) {
		t.Error("a deleted entry is not wiped")
	}
}

// TestOneTakes lets many take the same entry: for single use, one may have it.
func TestOneTakes(t *testing.T) {
	m := NewMemory(1 << 20)
	for range 50 {
		m.Put([]byte("id"), []byte("x"), noon.Add(time.Hour), noon)
		var wg sync.WaitGroup
		var took atomic.Int32
		for range 8 {
			wg.Go(func() {
				if m.Delete([]byte("id"), noon) {
					took.Add(1)
				}
			})
		}
		wg.Wait()
		if took.Load() != 1 {
			t.Fatalf("%d callers took it", took.Load())
		}
	}
}
