package main

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
)

func finished(limit uint64) *job {
	job := newJob(limit)
	for job.step() {
	}
	return job
}

func TestCountsPrimes(t *testing.T) {
	counts := map[uint64]uint64{
		10: 4, 11: 5, 12: 5, 13: 6, 100: 25, 121: 30, 1000: 168,
		segmentSpan - 1: 43390, segmentSpan: 43390, segmentSpan + 1: 43390, 2 * segmentSpan: 82025,
		1e6: knownCounts[1e6], 1e7: knownCounts[1e7],
	}
	for limit, expected := range counts {
		if got := finished(limit).status(); got.Primes != expected || !got.Done {
			t.Errorf("up to %d: got %d (done %t), expected %d", limit, got.Primes, got.Done, expected)
		}
	}
}

func TestSaysWhetherTheResultIsRight(t *testing.T) {
	job := finished(1e6)
	if got := job.status(); got.Correct == nil || !*got.Correct || got.ProgressRatio != 1 {
		t.Errorf("got %+v", got)
	}
	job.primes++
	if *job.status().Correct {
		t.Error("a wrong count passed as right")
	}
}

func ask(t *testing.T, job *job, more func()) [2]selfCheck {
	var checks [2]selfCheck
	handler := handler(job)
	for i := range checks {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequest("GET", "/self", nil))
		if err := json.Unmarshal(response.Body.Bytes(), &checks[i]); err != nil {
			t.Fatal(err)
		}
		more()
	}
	return checks
}

func TestSelfCheckTellsOneProcessAndItsDamage(t *testing.T) {
	for name, damage := range map[string]func(*job){
		"a segment's count": func(j *job) { j.counts[0]++ },
		"a base prime":      func(j *job) { j.sieve.base[3]++ },
	} {
		job := finished(1e6)
		got := ask(t, job, func() { damage(job) })
		if got[0].Nonce != got[1].Nonce || len(got[0].Nonce) != 32 || got[0].Counter+1 != got[1].Counter {
			t.Errorf("not one process: %+v", got)
		}
		if !got[0].Checksum.Ok || got[1].Checksum.Ok {
			t.Errorf("%s: expected sound, then damaged: %+v", name, got)
		}
	}
}
