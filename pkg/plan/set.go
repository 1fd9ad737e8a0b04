package plan

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// SetText plans a field's text, once, and reports a value that it replaces.
func (d *Draft) SetText(o *manifest.Object, field manifest.Path, text string) {
	d.setTo(o, field, text, false)
}

// SetNumber plans a number in a field, once, and reports a value that it replaces.
func (d *Draft) SetNumber(o *manifest.Object, field manifest.Path, text string) {
	d.setTo(o, field, text, true)
}

func (d *Draft) setTo(o *manifest.Object, field manifest.Path, text string, number bool) {
	old := o.TextAt(field)
	key := place{o, field.String()}
	if old == text || d.set[key] {
		return
	}
	d.set[key] = true
	value := manifest.Text(text)
	if n, ok := manifest.Decimal(text); ok && number {
		value = manifest.Number(n)
	}
	d.Settings = append(d.Settings, &Setting{Object: o, Field: field, Value: value})
	if old != "" {
		d.Find(finding.Info, o, field, "", "was %q, is now %q, so that it fits the gate", old, text)
	}
}
