package gateconf

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The flag.Value of each kind of setting. Each prints what it parses, which is what makes Args and Parse inverse.
type (
	textValue     struct{ p *string }
	boolValue     struct{ p *bool }
	intValue      struct{ p *int }
	durationValue struct{ p *time.Duration }
	listValue     struct{ p *[]string }
)

func text(f func(*Config) *string) func(*Config) flag.Value {
	return func(c *Config) flag.Value { return textValue{f(c)} }
}

func boolean(f func(*Config) *bool) func(*Config) flag.Value {
	return func(c *Config) flag.Value { return boolValue{f(c)} }
}

func integer(f func(*Config) *int) func(*Config) flag.Value {
	return func(c *Config) flag.Value { return intValue{f(c)} }
}

func duration(f func(*Config) *time.Duration) func(*Config) flag.Value {
	return func(c *Config) flag.Value { return durationValue{f(c)} }
}

func list(f func(*Config) *[]string) func(*Config) flag.Value {
	return func(c *Config) flag.Value { return listValue{f(c)} }
}

func (v textValue) Set(s string) error { *v.p = s; return nil }

func (v textValue) String() string {
	if v.p == nil { // the flag package asks a zero value for its default
		return ""
	}
	return *v.p
}

func (v boolValue) IsBoolFlag() bool { return true }

func (v boolValue) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", s)
	}
	*v.p = b
	return nil
}

func (v boolValue) String() string { return strconv.FormatBool(v.p != nil && *v.p) }

func (v intValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", s)
	}
	*v.p = n
	return nil
}

func (v intValue) String() string {
	if v.p == nil {
		return "0"
	}
	return strconv.Itoa(*v.p)
}

func (v durationValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 30s or 10m", s)
	}
	*v.p = d
	return nil
}

func (v durationValue) String() string {
	if v.p == nil {
		return "0s"
	}
	return v.p.String()
}

func (v listValue) Set(s string) error {
	*v.p = nil
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*v.p = append(*v.p, item)
		}
	}
	return nil
}

func (v listValue) String() string {
	if v.p == nil {
		return ""
	}
	return strings.Join(*v.p, ",")
}

// discard swallows what the flag package prints beside the error that it returns.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type unexpectedArgError struct{ arg string }

func (e *unexpectedArgError) Error() string {
	return fmt.Sprintf("unexpected argument %q; settings are written --name=value", e.arg)
}
