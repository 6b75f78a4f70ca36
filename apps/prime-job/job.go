package main

import (
	"hash/fnv"
	"sync"
)

// knownCounts holds pi(10^k), the number of primes up to 10^k (OEIS A006880).
var knownCounts = map[uint64]uint64{
	1e6: 78498, 1e7: 664579, 1e8: 5761455, 1e9: 50847534, 1e10: 455052511, 1e11: 4118054813, 1e12: 37607912018,
}

// job counts the primes up to limit. Each segment's count is kept, so that the sum can be checked against them.
type job struct {
	limit uint64
	sieve *sieve

	mutex     sync.Mutex
	counts    []uint32
	primes    uint64
	checkedTo uint64
}

func newJob(limit uint64) *job {
	return &job{limit: limit, sieve: newSieve(limit)}
}

// step counts one more segment and tells whether there is another.
func (j *job) step() bool {
	from := j.checkedTo
	to := min(from+segmentSpan, j.limit+1)
	count := j.sieve.count(from, to)
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.counts = append(j.counts, count)
	j.primes += uint64(count)
	j.checkedTo = to
	return to <= j.limit
}

type status struct {
	Limit         uint64  `json:"limit"`
	CheckedTo     uint64  `json:"checkedTo"`
	Primes        uint64  `json:"primes"`
	ProgressRatio float64 `json:"progressRatio"`
	Done          bool    `json:"done"`
	Expected      *uint64 `json:"expected"` // nil where it is not in knownCounts
	Correct       *bool   `json:"correct"`  // nil until done
}

func (j *job) status() status {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	s := status{
		Limit:         j.limit,
		CheckedTo:     j.checkedTo,
		Primes:        j.primes,
		ProgressRatio: float64(j.checkedTo) / float64(j.limit+1),
		Done:          j.checkedTo > j.limit,
	}
	if known, ok := knownCounts[j.limit]; ok {
		s.Expected = &known
		if s.Done {
			correct := known == s.Primes
			s.Correct = &correct
		}
	}
	return s
}

// guarded returns what the job believes it has counted, and the same summed up anew from its segments.
func (j *job) guarded() (expected, recomputed uint64) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for _, count := range j.counts {
		recomputed += uint64(count)
	}
	return j.primes, recomputed
}

// baseDigest tells damage to the primes that the sieve works with.
func (j *job) baseDigest() uint64 {
	digest := fnv.New64a()
	var bytes [8]byte
	for _, prime := range j.sieve.base {
		for i := range bytes {
			bytes[i] = byte(prime >> (8 * i))
		}
		digest.Write(bytes[:])
	}
	return digest.Sum64()
}
