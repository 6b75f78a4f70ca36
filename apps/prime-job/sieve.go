package main

import "math"

// segmentSpan is how many numbers a segment covers; its odd ones take a byte each, which fits a level-2 cache.
const segmentSpan = 1 << 19

// primesUpTo lists the primes up to limit by the sieve of Eratosthenes.
func primesUpTo(limit uint64) []uint64 {
	composite := make([]bool, limit+1)
	var primes []uint64
	for n := uint64(2); n <= limit; n++ {
		if composite[n] {
			continue
		}
		primes = append(primes, n)
		for multiple := n * n; multiple <= limit; multiple += n {
			composite[multiple] = true
		}
	}
	return primes
}

// sieve counts primes segment by segment. It holds the odd primes up to the square root of the limit.
type sieve struct {
	base      []uint64
	composite []bool // of the odd numbers of a segment
}

func newSieve(limit uint64) *sieve {
	base := primesUpTo(uint64(math.Sqrt(float64(limit))) + 1)
	return &sieve{base: base[1:], composite: make([]bool, segmentSpan/2)}
}

// count returns how many primes lie in [from, to); from is even, to-from at most segmentSpan. The segment at 0 needs no
// care: its 1 counts as a prime, and 2, which is not odd, does not.
func (s *sieve) count(from, to uint64) uint32 {
	odds := s.composite[:(to-from)/2]
	clear(odds)
	for _, prime := range s.base {
		if prime*prime >= to {
			break
		}
		for i := firstOddMultiple(prime, from); i < uint64(len(odds)); i += prime {
			odds[i] = true
		}
	}
	var primes uint32
	for _, composite := range odds {
		if !composite {
			primes++
		}
	}
	return primes
}

// firstOddMultiple is the index, among the odd numbers from `from` on, of the first odd multiple of prime not below its square.
func firstOddMultiple(prime, from uint64) uint64 {
	multiple := prime * prime
	if multiple < from {
		multiple = (from + prime - 1) / prime * prime
		if multiple%2 == 0 {
			multiple += prime
		}
	}
	return (multiple - from) / 2
}
