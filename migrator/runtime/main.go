// Command godwit-runtime is the OCI runtime of pods that can move: the BinaryName of containerd's runtime handler `godwit`.
//
// It is runc, except for two commands. `create` of a container whose pod takes in a migration asks this node's agent, and waits: the
// agent lets it become a `restore`, or the `create` that it was, or refuses it. `create` in a pod that a guard stands for is refused: its
// workload moves away, or has moved, and must not start here once more. Either way CRIU is told to leave the node's own configuration aside.
// `start` of a restored container has nothing left to do.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

func main() {
	call := parse(os.Args[1:])
	err := run(call)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		// it has said why itself, where containerd reads it
		os.Exit(1)
	}
	if err != nil {
		call.complain(err)
		os.Exit(1)
	}
}

func run(call invocation) error {
	if call.command == "start" && exists(call.mark()) {
		return nil
	}
	if call.command == "create" {
		ownCriuConfig(call.bundle)
		if done, err := create(call); done || err != nil {
			return err
		}
	}
	runc, err := findRunc()
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ())
}

func findRunc() (string, error) {
	found, err := exec.LookPath("runc")
	if err != nil {
		return "", fmt.Errorf("no runc behind godwit-runtime: %w", err)
	}
	return found, nil
}

// create says whether the container stands already; if not, it is runc's to create.
func create(call invocation) (bool, error) {
	pod, concerned, err := podOf(call.bundle)
	if err != nil || !concerned {
		return false, err
	}
	if err := guarded(pod); err != nil {
		return false, err
	}
	if !pod.takesIn() || exists(filepath.Join(stateDir(), "arrived", pod.uid)) {
		return false, nil
	}
	answer := waitForAnswer(call)
	switch answer.Do {
	case "create":
		return false, nil
	case "restore":
		return true, restore(call, answer)
	}
	return false, fmt.Errorf("godwit: %s", answer.Reason)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func folder(variable, usual string) string {
	if given := os.Getenv(variable); given != "" {
		return given
	}
	return usual
}

func runDir() string   { return folder("GODWIT_RUN_DIR", "/run/godwit") }
func stateDir() string { return folder("GODWIT_STATE_DIR", "/var/lib/godwit") }
