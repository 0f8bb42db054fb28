package interop

import "syscall"

// groupAttributes puts a program into a group of its own and ties its life to the thread that
// starts it.
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills what is left of a process group; that nothing is left is no error.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
