//go:build !race

package basic

const raced = false
