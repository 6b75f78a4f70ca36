package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Annotations of a bundle: containerd's own, and those of the pod that the runtime handler's pod_annotations let through.
const (
	kindKey      = "io.kubernetes.cri.container-type"
	uidKey       = "io.kubernetes.cri.sandbox-uid"
	nameKey      = "io.kubernetes.cri.container-name"
	migrationKey = "godwit.dev/migration"
	containerKey = "godwit.dev/container"
)

type pod struct {
	uid, container string
	annotations    map[string]string
}

// podOf reads what the bundle's container belongs to. Not concerned: a sandbox, or a container that nothing of ours stands for, which is
// found out without parsing. A bundle that can not be read is left for runc to complain about.
func podOf(bundle string) (pod, bool, error) {
	text, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil || !bytes.Contains(text, []byte(migrationKey)) && !anyGuards() {
		return pod{}, false, nil
	}
	var config struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return pod{}, false, nil
	}
	found := pod{config.Annotations[uidKey], config.Annotations[nameKey], config.Annotations}
	return found, config.Annotations[kindKey] == "container" && found.uid != "", nil
}

// takesIn: a migration's copy is to come into this container.
func (it pod) takesIn() bool {
	wanted := it.annotations[containerKey]
	return it.annotations[migrationKey] != "" && (wanted == "" || wanted == it.container)
}

func guards() string { return filepath.Join(stateDir(), "guards") }

func anyGuards() bool {
	folder, err := os.Open(guards())
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(1)
	return len(names) > 0
}

// guarded refuses what a guard stands for; one that can not be understood stands for the whole pod.
func guarded(it pod) error {
	text, err := os.ReadFile(filepath.Join(guards(), it.uid))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var guard struct{ Migration, Container string }
	if err == nil && json.Unmarshal(text, &guard) == nil && guard.Container != "" && guard.Container != it.container {
		return nil
	}
	return fmt.Errorf("godwit: %s moves to another node (migration %s), it must not start here again", it.container, guard.Migration)
}
