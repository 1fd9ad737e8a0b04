package config

import (
	"errors"
	"fmt"
)

// Flags are what the command line says, which overrules the file.
type Flags struct {
	Stated
	Namespace *string
	AllowNone *bool
	Origin    func(setting string) Origin // nil: each comes from the flag of its name
}

// Resolved is what all places say together.
type Resolved struct {
	Settings  Settings // of gates that no rule is for
	Rules     []Rule   // in the order of the file; the first that matches a workload counts
	Namespace string   // of objects that name none; "" where nobody says
	AllowNone bool
}

// Rule is an entry of the settings file, with all places taken together.
type Rule struct {
	Origin    Origin
	Target    Target
	Disabled  bool // leaves out what is gated by default
	AllowNone bool // no error where it matches nothing
	Settings  Settings
}

// Resolve takes the command line and the file, which may be nil, together. The error names every setting that cannot
// be, by the place that states it: it joins errors of type *SettingError.
func Resolve(flags Flags, file *File) (Resolved, error) {
	if flags.Origin == nil {
		flags.Origin = func(setting string) Origin { return Origin{Place: "--" + FlagName(setting)} }
	}
	if file == nil {
		file = &File{}
	}
	base := []layer{{&flags.Stated, flags.Origin}, {file.Defaults, file.under("defaults")}}
	r := Resolved{Settings: resolve(base), Namespace: first(flags.Namespace, file.Namespace), AllowNone: first(flags.AllowNone, file.AllowNone)}
	errs := []error{r.Settings.validate()}
	for i := range file.Gates {
		g, at := &file.Gates[i], fmt.Sprintf("gates[%d]", i)
		rule := Rule{
			Origin: file.origin(at), Target: g.Target, Disabled: g.Gate != nil && *g.Gate == "disabled",
			AllowNone: r.AllowNone || first(g.AllowNone),
			Settings:  resolve([]layer{base[0], {&g.Stated, file.under(at)}, base[1]}),
		}
		r.Rules = append(r.Rules, rule)
		errs = append(errs, rule.Settings.validate())
	}
	return r, distinct(errs)
}

// first returns the first value that is given, else the zero value.
func first[T any](values ...*T) T {
	var zero T
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return zero
}

// under returns where the settings of a part of the file stand.
func (f *File) under(path string) func(string) Origin {
	return func(setting string) Origin { return f.origin(path + "." + setting) }
}

// distinct joins errors, each once: what is wrong with the defaults is wrong with many gates.
func distinct(errs []error) error {
	var kept []error
	seen := map[string]bool{}
	for _, err := range errs {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		for _, e := range joined.Unwrap() {
			if !seen[e.Error()] {
				seen[e.Error()] = true
				kept = append(kept, e)
			}
		}
	}
	return errors.Join(kept...)
}
