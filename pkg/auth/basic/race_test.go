//go:build race

package basic

const raced = true
