package planner

import (
	"cmp"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/plan"
)

// mounts are the Secrets that a gate with these settings reads.
func mounts(o *config.Settings) []gateconf.Mount {
	users := plan.UsersSecret(o)
	var mounts []gateconf.Mount
	add := func(on bool, volume, secret, dir string) {
		if on {
			mounts = append(mounts, gateconf.Mount{Volume: volume, Secret: secret, Dir: dir})
		}
	}
	add(o.Auth != gateconf.AuthNone, gateconf.VolumeName, users, gateconf.UsersDir)
	add(o.SignIn == gateconf.SignInPage, gateconf.SessionVolume, users+gateconf.SessionSecret, gateconf.SessionDir)
	add(o.RequireHeader != "", gateconf.HeaderVolume, o.HeaderSecret, gateconf.HeaderDir)
	add(o.TLSSecret != "", gateconf.TLSVolume, o.TLSSecret, gateconf.TLSDir)
	return mounts
}

// configureChecks tells the sidecar what to ask for, and where the Secrets of mounts are.
func configureChecks(c *gateconf.Config, o *config.Settings) {
	c.UsersSecret = plan.UsersSecret(o)
	if c.Auth = cmp.Or(o.Auth, c.Auth); c.Auth != gateconf.AuthNone {
		c.UsersFile = gateconf.UsersFile
	}
	if c.SignIn = cmp.Or(o.SignIn, c.SignIn); c.SignIn == gateconf.SignInPage {
		c.SessionKeyFile = gateconf.SessionDir + "/" + gateconf.SessionKey
	}
	if o.RequireHeader != "" {
		c.RequireHeader, c.HeaderValuesDir = o.RequireHeader, gateconf.HeaderDir
	}
	if o.TLSSecret != "" { // the keys of a Secret of type kubernetes.io/tls
		c.TLSCertFile, c.TLSKeyFile = gateconf.TLSDir+"/tls.crt", gateconf.TLSDir+"/tls.key"
	}
}
