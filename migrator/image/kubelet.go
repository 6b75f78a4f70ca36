package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type kubelet struct{ address, node, trust, token string }

// checkpoint asks for one, which leaves the container as it is, and opens the archive, whose name is gone on return.
// See https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api
func (k kubelet) checkpoint(container string, timeout time.Duration) (*os.File, error) {
	client, err := k.client()
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(k.token)
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("https://%s/checkpoint/%s?timeout=%d", k.address, container, int(timeout.Seconds()))
	request, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("kubelet: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("kubelet answered %s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	var answer struct{ Items []string }
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Items) != 1 {
		return nil, fmt.Errorf("kubelet named no archive: %s", body)
	}
	archive, err := os.Open(answer.Items[0])
	os.Remove(answer.Items[0])
	return archive, err
}

// client has no deadline: the kubelet keeps the one that it is given, and a dump is not to be cut off.
func (k kubelet) client() (*http.Client, error) {
	trusted, err := os.ReadFile(k.trust)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(trusted) {
		return nil, fmt.Errorf("%s holds no certificate", k.trust)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: k.node, MinVersion: tls.VersionTLS12},
	}}, nil
}
