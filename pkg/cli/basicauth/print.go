package basicauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// outputAPIVersion is the version of the objects that -o json and -o yaml print. They are no cluster objects.
const outputAPIVersion = "basicauth.kauth.dev/v1"

// output is the flag -o: table, json, yaml, name; the first of a command's formats is its default.
type output string

func (o *output) addFlag(cmd *cobra.Command, formats ...string) {
	cmd.Flags().StringVarP((*string)(o), "output", "o", formats[0], "Output format: "+strings.Join(formats, ", "))
	complete(cmd, "output", formats...)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if slices.Contains(formats, string(*o)) {
			return nil
		}
		return usagef("--output: %q; use one of %s", string(*o), strings.Join(formats, ", "))
	}
}

// structured says whether object was to be printed as JSON or YAML, and prints it then.
func (o output) structured(w io.Writer, object any) (bool, error) {
	switch o {
	case "json":
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false) // "8181 -> http://..." is for people too
		e.SetIndent("", "    ")
		if err := e.Encode(object); err != nil {
			return true, err
		}
		return true, emit(w, escaped(text.String()))
	case "yaml":
		data, err := yaml.Marshal(object)
		if err != nil {
			return true, err
		}
		return true, emit(w, string(data))
	}
	return false, nil
}

// escaped writes the characters of a JSON text that JSON leaves as they are and nobody sees, control characters of terminals
// among them, as JSON's own escapes.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// outputError is why an outcome could not be printed.
type outputError struct {
	err  error
	made string // what holds all the same, to go on with; empty: not known yet
}

func (e *outputError) Error() string { return fmt.Sprintf("standard output: %v%s", e.err, e.made) }
func (e *outputError) Unwrap() error { return e.err }

// emit writes data, and does not let a full disk or a closed pipe pass for success.
func emit(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return &outputError{err: err}
	}
	return nil
}

// though adds what holds all the same to what kept an outcome from being printed, unless it is said already. Another error stays
// as it is.
func though(err error, made string) error {
	if e, ok := errors.AsType[*outputError](err); ok && e.made == "" {
		e.made = "; " + made
	}
	return err
}

// storedThough is though of a user who is stored, maybe with a password that nobody has seen.
func storedThough(err error, store *userstore.Store, name string) error {
	if store.DryRun != userstore.DryRunNone {
		return err
	}
	return though(err, fmt.Sprintf("user %q is stored all the same, another password comes with kubectl basicauth user passwd %s", name, visible.Argument(name)))
}

// hasChanged says whether a command does its work before it prints the outcome, and has done it.
func hasChanged(cmd *cobra.Command) bool {
	run, list := cmd.Flags().Lookup("dry-run"), cmd.Flags().Lookup("list")
	return run != nil && run.Value.String() == "none" && (list == nil || list.Value.String() != "true")
}

// table prints rows in columns, as kubectl does.
func table(w io.Writer, rows [][]string) error {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 8, 3, ' ', 0)
	for _, row := range rows {
		if _, err := io.WriteString(columns, strings.Join(row, "\t")+"\n"); err != nil {
			return err
		}
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	var trimmed strings.Builder
	for line := range strings.Lines(text.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return emit(w, trimmed.String())
}

// shown returns a name as it can be shown: quoted where it has characters that would move the cursor or hide.
func shown(name string) string {
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}
