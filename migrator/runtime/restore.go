package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// restore runs `runc restore` in the place of `runc create`. It returns when the copy runs: the agent's hold script keeps CRIU until then.
// The process that is named in the agent's pid file leads a group of all that works here, so that the agent can end it.
func restore(call invocation, given answer) error {
	// the child is to die with this thread's process
	runtime.LockOSThread()
	// it may lead a group already
	syscall.Setpgid(0, 0)
	if err := writeWhole(given.PidFile, identity()); err != nil {
		return err
	}
	err := runRestore(call, given)
	if err == nil {
		err = os.WriteFile(call.mark(), nil, 0o600)
	}
	code := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		code = 1
	}
	if failed := writeWhole(given.StatusFile, fmt.Sprintln(code)); err == nil {
		err = failed
	}
	return err
}

func runRestore(call invocation, given answer) error {
	runc, err := findRunc()
	if err != nil {
		return err
	}
	words := append([]string{}, call.globals...)
	words = append(words, "restore", "--detach", "--bundle", call.bundle, "--pid-file", call.pidFile)
	if call.noPivot {
		words = append(words, "--no-pivot")
	}
	if call.consoleSocket != "" {
		words = append(words, "--console-socket", call.consoleSocket)
	}
	words = append(words, given.Args...)
	child := exec.Command(runc, append(words, call.container)...)
	child.Env = append(os.Environ(), given.Env...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return child.Run()
}

// identity is this process's number and start, in clock ticks since boot: proc_pid_stat(5), the 22nd field.
func identity() string {
	stat, _ := os.ReadFile("/proc/self/stat")
	after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	return fmt.Sprintf("%d %s", os.Getpid(), strings.Fields(after)[19])
}

// writeWhole makes the file appear with its content.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
