package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// An invocation is what containerd's shim has called runc with: global flags, the command, its flags, the container.
type invocation struct {
	// before the command, as they came
	globals       []string
	command       string
	root, log     string
	bundle        string
	pidFile       string
	consoleSocket string
	noPivot       bool
	container     string
}

// Flags of runc 1.1 to 1.3, global ones and those of `create`, that take their value from the next word unless it follows a `=`.
var takesValue = map[string]bool{
	"root": true, "log": true, "log-format": true, "rootless": true, "criu": true,
	"bundle": true, "b": true, "pid-file": true, "console-socket": true, "preserve-fds": true,
}

func parse(words []string) invocation {
	call := invocation{root: "/run/runc"}
	for i := 0; i < len(words); i++ {
		first := i
		if word := words[i]; strings.HasPrefix(word, "-") {
			name, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if !joined && takesValue[name] && i+1 < len(words) {
				i++
				value = words[i]
			}
			call.set(name, value)
		} else if call.command == "" {
			call.command = word
		} else {
			call.container = word
		}
		if call.command == "" {
			call.globals = append(call.globals, words[first:i+1]...)
		}
	}
	return call
}

func (call *invocation) set(name, value string) {
	switch name {
	case "root":
		call.root = value
	case "log":
		call.log = value
	case "bundle", "b":
		call.bundle = value
	case "pid-file":
		call.pidFile = value
	case "console-socket":
		call.consoleSocket = value
	case "no-pivot":
		call.noPivot = true
	}
}

// mark is a file beside runc's own of this container: it was restored, and runs without a `start`. `runc delete` removes it.
func (call invocation) mark() string {
	return filepath.Join(call.root, call.container, "godwit-restored")
}

// complain writes where containerd looks for what a runtime has to say: a line of JSON in the file that --log names.
func (call invocation) complain(err error) {
	fmt.Fprintln(os.Stderr, err)
	file, failed := os.OpenFile(call.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if failed != nil {
		return
	}
	defer file.Close()
	json.NewEncoder(file).Encode(map[string]string{
		"level": "error", "msg": err.Error(), "time": time.Now().Format(time.RFC3339),
	})
}
