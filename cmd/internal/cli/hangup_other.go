//go:build !linux

package cli

// pollHangup asks for nothing where poll knows of no half-closed peer; a connection that
// both sides have closed, or that was reset, is told all the same.
const pollHangup = 0
