package inject

import "bytes"

// PostRenderer makes Run the post-renderer of a Go program that embeds Helm 3: it satisfies the interface
// helm.sh/helm/v3/pkg/postrender.PostRenderer without importing it.
//
//	install := action.NewInstall(config)
//	install.PostRenderer = &inject.PostRenderer{Options: inject.Options{Namespace: "monitoring"}}
type PostRenderer struct {
	Options Options
	Report  func(*Report) // called with the report of each run, also of a failed one; nil: not called
}

// Run returns the manifests with their gates, or an error and nothing.
func (r *PostRenderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	in := bytes.Clone(rendered.Bytes())
	s, report, err := Run(in, r.Options)
	if r.Report != nil {
		r.Report(report)
	}
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, len(in)+len(in)/8))
	if _, err := s.WriteTo(out); err != nil {
		return nil, err
	}
	return out, nil
}
