// Package visible owns how people are shown what others wrote: servers, gates, objects of the cluster.
package visible

import (
	"strconv"
	"strings"
	"unicode"
)

// OneLine is a text of others, such as a server's error, as one line that people can be shown: what would move the cursor or
// hide is written as Go writes it, and more than 600 bytes are cut off.
func OneLine(text string) string {
	const most = 600
	var lines []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	text = Text(strings.ToValidUTF8(strings.Join(lines, "; "), "\uFFFD"))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// Text writes the characters of a text that cannot be seen as Go writes them, newlines and tabs excepted.
func Text(text string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			quoted := strconv.QuoteRuneToGraphic(r)
			if unicode.IsGraphic(r) { // a space of another kind
				quoted = strconv.QuoteRuneToASCII(r)
			}
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}
