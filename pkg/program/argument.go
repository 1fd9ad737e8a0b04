package program

import "strings"

// ArgValues are the values of a flag, which may stand several times, in any of the ways to write it: --flag=value, --flag value,
// -flag=value. One without a value is left out.
func ArgValues(args []string, flag string) []string {
	var values []string
	for i, arg := range args {
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case name != flag || !strings.HasPrefix(arg, "-"):
		case joined:
			values = append(values, value)
		case i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
			values = append(values, args[i+1])
		}
	}
	return values
}
