//go:build race

package ways

// topologies is how many a run tries: kauth is no program of many threads, so with the race detector a few will do.
const topologies = 400
