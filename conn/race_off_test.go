//go:build !race

package conn

// underRace scales tests down that take many rounds.
const underRace = false
