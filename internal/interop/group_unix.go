//go:build unix && !linux

package interop

import "syscall"

// groupAttributes puts a program into a group of its own.
func groupAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills what is left of a process group; that nothing is left is no error.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
