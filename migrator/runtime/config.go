package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// What runc names CRIU as a configuration of its own for this container; empty: none. Without the annotation it is /etc/criu/runc.conf.
const criuConfigKey = "org.criu.config"

// ownCriuConfig has CRIU read for this container only what Godwit gives it: the script that the node's configuration names would run beside
// Godwit's own at each stage of a dump and a restore. What can not be changed stays as it is: then both run.
func ownCriuConfig(bundle string) {
	path := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var config map[string]json.RawMessage
	annotations := map[string]string{}
	if json.Unmarshal(text, &config) != nil || json.Unmarshal(config["annotations"], &annotations) != nil {
		return
	}
	if _, given := annotations[criuConfigKey]; given {
		return
	}
	annotations[criuConfigKey] = ""
	if config["annotations"], err = json.Marshal(annotations); err != nil {
		return
	}
	if text, err = json.Marshal(config); err == nil {
		writeWhole(path, string(text))
	}
}
