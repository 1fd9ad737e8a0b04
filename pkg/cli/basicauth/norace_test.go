//go:build !race

package basicauth

const watched = false
