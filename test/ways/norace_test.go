//go:build !race

package ways

// topologies is how many a run tries: as many as fit into half a minute on one core.
const topologies = 4000
