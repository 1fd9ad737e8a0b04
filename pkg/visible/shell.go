package visible

import "strings"

// Argument writes a name as it can be typed into a shell.
func Argument(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@+", r) || r > 0x7f
	}
	option := strings.HasPrefix(name, "-")
	if strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) >= 0 {
		name = ShellQuoted(name)
	}
	if option {
		return "-- " + name
	}
	return name
}

// ShellQuoted writes a text so that a shell of POSIX takes it as it is.
func ShellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
