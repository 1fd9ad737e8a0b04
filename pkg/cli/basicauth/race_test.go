//go:build race

package basicauth

// watched says that the race detector is in this program, and so in what it starts as kubectl-basicauth.
const watched = true
