//go:build linux

package enforce

import "net/netip"

// without returns the blocks that are left of a block of IPv4 addresses when others are taken out of it.
func without(block string, except []string) ([]string, error) {
	whole, err := netip.ParsePrefix(block)
	if err != nil {
		return nil, err
	}
	var holes []netip.Prefix
	for _, text := range except {
		hole, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		holes = append(holes, hole.Masked())
	}
	var left []string
	var part func(p netip.Prefix)
	part = func(p netip.Prefix) {
		inside := false
		for _, hole := range holes {
			if hole.Bits() <= p.Bits() && hole.Contains(p.Addr()) {
				return // taken out whole
			}
			inside = inside || p.Overlaps(hole)
		}
		if !inside {
			left = append(left, p.String())
			return
		}
		low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
		part(low)
		part(netip.PrefixFrom(upperHalf(low), low.Bits()))
	}
	part(whole.Masked())
	return left, nil
}

// upperHalf is the first address behind a block of IPv4 addresses.
func upperHalf(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	bit := p.Bits() - 1
	a[bit/8] |= 1 << (7 - bit%8)
	return netip.AddrFrom4(a)
}
