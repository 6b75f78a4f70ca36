// prime-job counts the primes up to LIMIT, tells on :PORT how far it is, and says the result on stdout.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

type checksum struct {
	Value string `json:"value"`
	Ok    bool   `json:"ok"`
}

// selfCheck is the answer of GET /self, the same as that of every other app.
type selfCheck struct {
	App      string   `json:"app"`
	Nonce    string   `json:"nonce"`
	BornAt   int64    `json:"bornAt"`
	Pid      int      `json:"pid"`
	Counter  uint64   `json:"counter"`
	Checksum checksum `json:"checksum"`
}

func main() {
	limit, err := setting("LIMIT", 100_000_000_000, 10, 1_000_000_000_000)
	port, portErr := setting("PORT", 8080, 0, 65_535)
	if err != nil || portErr != nil {
		fmt.Fprintln(os.Stderr, err, portErr)
		os.Exit(2)
	}
	job := newJob(limit)
	listener, err := listen(port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := &http.Server{Handler: handler(job), ReadHeaderTimeout: 5 * time.Second}
	go run(job)
	go func() { // as process 1 it has to ask for SIGTERM to end by it
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}

// listen opens the port without multipath TCP, Go's default, whose sockets CRIU can not dump.
func listen(port uint64) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", port))
}

// setting reads a whole number from the environment; unset or empty means the fallback.
func setting(name string, fallback, least, most uint64) (uint64, error) {
	text := os.Getenv(name)
	if text == "" {
		return fallback, nil
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil || value < least || value > most {
		return 0, fmt.Errorf("%s: expected a whole number from %d to %d, got %q", name, least, most, text)
	}
	return value, nil
}

func run(job *job) {
	told := time.Now()
	for job.step() {
		if time.Since(told) > time.Second {
			told = time.Now()
			tell(job)
		}
	}
	tell(job)
}

func tell(job *job) {
	line, _ := json.Marshal(job.status())
	fmt.Println(string(line))
}

// handler serves the job's status and the self-check; every request moves the counter.
func handler(job *job) http.Handler {
	var counter atomic.Uint64
	nonce, bornAt, digest := newNonce(), time.Now().UnixMilli(), job.baseDigest()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answer(w, job.status()) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /self", func(w http.ResponseWriter, _ *http.Request) {
		expected, recomputed := job.guarded()
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", nonce, digest, expected))
		answer(w, selfCheck{
			App: "prime-job", Nonce: nonce, BornAt: bornAt, Pid: os.Getpid(), Counter: counter.Load(),
			Checksum: checksum{Value: hex.EncodeToString(sum[:16]), Ok: expected == recomputed && digest == job.baseDigest()},
		})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counter.Add(1)
		mux.ServeHTTP(w, r)
	})
}

func newNonce() string {
	bytes := make([]byte, 16)
	rand.Read(bytes) // never fails: it ends the process where it would
	return hex.EncodeToString(bytes)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(body)
}
