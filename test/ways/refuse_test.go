package ways

import "github.com/kauth-dev/kauth/pkg/inject"

func refusals(in *Stream, o inject.Options, refused []Finding) []string { return nil }
