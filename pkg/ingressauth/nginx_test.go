package ingressauth

import "testing"

// TestHarmless: what may stand in a piece of nginx's configuration beside the check of passwords.
func TestHarmless(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"", true},
		{" \n", true},
		{"# only a remark; auth_basic off;\n", true},
		{"add_header X-A b;", true},
		{"add_header X-A b;\n\n  expires\t1h ;\n", true},
		{`more_set_headers "Strict-Transport-Security: max-age=1; includeSubDomains" 'X: {};#';`, true},
		{`add_header X "a\"; auth_basic off; \"";`, true},
		{"add_header X a\\; auth_basic off;", true}, // the first semicolon is part of the value
		{"add_header X-A b; auth_basic off;", false},
		{"auth_basic off", false},
		{"add_header X-A b", false}, // what the controller puts behind it would be its end
		{"add_header X 'a; satisfy any;", false},
		{"satisfy any;", false},
		{"allow all;", false},
		{"location /x { proxy_pass http://prom; }", false},
		{"add_header X-A b; }", false},
		{"more_set_input_headers 'Authorization: Basic x';", false},
		{"set $a b;", false},
		{"ADD_HEADER X-A b;", false},
		{"# a\nauth_basic off;", false},
		{"add_header X a#b; auth_basic off;\nexpires 1h;", false},
		{"add_header X a\"b; auth_basic off; add_header Y c\"d;", false},
		{"add_header X a#b;", true},
		{"add_header X it's;", true},
		{"add_header X a; # auth_basic off\n expires 1h;", true},
	} {
		if got := harmless(c.text); got != c.want {
			t.Errorf("%q: %t, want %t", c.text, got, c.want)
		}
	}
}
