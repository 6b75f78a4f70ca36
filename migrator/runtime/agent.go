package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// What the agent answers: `create`, `refuse` with a reason, or `restore` with what runc and CRIU need beside containerd's flags.
type answer struct {
	Do     string   `json:"do"`
	Reason string   `json:"reason"`
	Args   []string `json:"args"`
	Env    []string `json:"env"`
	// files that tell the process at work, and its exit code
	PidFile    string `json:"pidFile"`
	StatusFile string `json:"statusFile"`
}

const (
	retryAfter = 100 * time.Millisecond
	lookEvery  = 200 * time.Millisecond
)

// waitForAnswer asks again whenever the agent has gone: what it knows stands on its disk. It ends with the container: with containerd's
// shim, or with the bundle.
func waitForAnswer(call invocation) answer {
	go endWithContainer(call, os.Getppid())
	for {
		if given, err := ask(call); err == nil {
			return given
		}
		time.Sleep(retryAfter)
	}
}

func endWithContainer(call invocation, parent int) {
	for {
		time.Sleep(lookEvery)
		if os.Getppid() != parent || !exists(filepath.Join(call.bundle, "config.json")) {
			call.complain(fmt.Errorf("godwit: the container is gone"))
			os.Exit(1)
		}
	}
}

func ask(call invocation) (answer, error) {
	connection, err := net.Dial("unix", filepath.Join(runDir(), "runtime.sock"))
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	question := map[string]string{"container": call.container, "bundle": call.bundle}
	if err := json.NewEncoder(connection).Encode(question); err != nil {
		return answer{}, err
	}
	line, err := bufio.NewReader(connection).ReadBytes('\n')
	if err != nil {
		return answer{}, err
	}
	var given answer
	return given, json.Unmarshal(line, &given)
}
