package policy

import (
	"cmp"
	"slices"
	"strings"
)

// maxNearest is how many names an error suggests.
const maxNearest = 3

// nearest returns up to maxNearest names that someone who wrote name may have meant, best
// first, quoted: those that a few letters turn it into, and those that begin with it.
func nearest(name string) []string {
	typed := plain(name)
	if typed == "" || len(typed) > 64 {
		return nil // no name is that long
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, e := range registry {
		have := plain(e.name)
		d := editDistance(typed, have)
		if d <= 1+len(typed)/5 {
			near = append(near, candidate{e.name, d})
		} else if len(typed) >= 3 && strings.HasPrefix(have, typed) {
			near = append(near, candidate{e.name, 100 + d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, c := range near[:min(len(near), maxNearest)] {
		names = append(names, `"`+c.name+`"`)
	}
	return names
}

// plain returns name without what people mix up: case, and the marks between words.
func plain(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

// editDistance returns how many bytes must be inserted, deleted or replaced to turn a
// into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
