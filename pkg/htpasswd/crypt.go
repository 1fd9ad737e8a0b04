package htpasswd

import (
	"crypto/md5" //nolint:gosec // the format asks for it
	"crypto/sha256"
	"crypto/sha512"
	"strings"
)

const (
	apr1Prefix = "$apr1$"
	crypt64    = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// apr1 returns the 22 characters that Apache's MD5 (apr_md5_encode in apr-util) makes of password and salt.
func apr1(password []byte, salt string) []byte {
	var scratch [256]byte
	buf := append(append(append(scratch[:0], password...), salt...), password...)
	sum := md5.Sum(buf) //nolint:gosec // the format asks for it
	buf = append(append(append(buf[:0], password...), apr1Prefix...), salt...)
	for n := len(password); n > 0; n -= md5.Size {
		buf = append(buf, sum[:min(n, md5.Size)]...)
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			buf = append(buf, 0)
		} else {
			buf = append(buf, password[0])
		}
	}
	sum = md5.Sum(buf) //nolint:gosec // the format asks for it
	s := []byte(salt)
	for i := range 1000 {
		buf = round(buf[:0], i, sum[:], password, s)
		sum = md5.Sum(buf) //nolint:gosec // the format asks for it
	}
	return encode(make([]byte, 0, 22), sum[:], 0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, -1, -1, 11)
}

// roundsPerStep of sha-crypt take 10 to 25 µs, and up to 0.2 ms for a password of 512 bytes.
const roundsPerStep = 64

// round appends to buf what round i of apr1 and sha-crypt hashes.
func round(buf []byte, i int, sum, p, s []byte) []byte {
	if i&1 == 1 {
		buf = append(buf, p...)
	} else {
		buf = append(buf, sum...)
	}
	if i%3 != 0 {
		buf = append(buf, s...)
	}
	if i%7 != 0 {
		buf = append(buf, p...)
	}
	if i&1 == 1 {
		return append(buf, sum...)
	}
	return append(buf, p...)
}

// shaCrypt returns the last part of the hash that sha256-crypt or sha512-crypt, as h says, makes of password, with the
// salt and rounds of h, and calls step after every roundsPerStep rounds. Specification:
// https://www.akkadia.org/drepper/SHA-crypt.txt
func shaCrypt(h Hash, password []byte, step func()) []byte {
	rest := h.text[3:]
	if strings.HasPrefix(rest, "rounds=") {
		_, rest, _ = strings.Cut(rest, "$")
	}
	text, _, _ := strings.Cut(rest, "$")
	salt := []byte(text)
	hash := sum256
	if h.algorithm == SHA512Crypt {
		hash = sum512
	}

	var scratch [512]byte
	var space [sha512.Size]byte
	buf := append(append(append(scratch[:0], password...), salt...), password...)
	sum := hash(&space, buf)
	buf = append(append(buf[:0], password...), salt...)
	buf = appendRepeated(buf, sum, len(password))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			buf = append(buf, sum...)
		} else {
			buf = append(buf, password...)
		}
	}
	sum = hash(&space, buf)

	first := int(sum[0])
	var other [sha512.Size]byte
	buf = buf[:0]
	for range len(password) {
		buf = append(buf, password...)
	}
	p := appendRepeated(nil, hash(&other, buf), len(password))
	buf = buf[:0]
	for range 16 + first {
		buf = append(buf, salt...)
	}
	s := appendRepeated(nil, hash(&other, buf), len(salt))

	for i := range h.cost {
		buf = round(buf[:0], i, sum, p, s)
		sum = hash(&space, buf)
		if i%roundsPerStep == roundsPerStep-1 {
			step()
		}
	}
	return encodeSHA(sum)
}

// sum256 and sum512 hash data into space and return the part of it that they filled.
func sum256(space *[sha512.Size]byte, data []byte) []byte {
	sum := sha256.Sum256(data)
	return space[:copy(space[:], sum[:])]
}

func sum512(space *[sha512.Size]byte, data []byte) []byte {
	*space = sha512.Sum512(data)
	return space[:]
}

// appendRepeated appends n bytes to buf, which are sum over and over.
func appendRepeated(buf, sum []byte, n int) []byte {
	for ; n > 0; n -= len(sum) {
		buf = append(buf, sum[:min(n, len(sum))]...)
	}
	return buf
}

// encodeSHA prints a digest as sha-crypt does: bytes a third of the length apart make one group, and the group's
// three turn by one place from group to group.
func encodeSHA(sum []byte) []byte {
	out := make([]byte, 0, 86)
	if len(sum) == sha256.Size {
		return encode(out, sum, 0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17,
			18, 28, 8, 9, 19, 29, -1, 31, 30)
	}
	return encode(out, sum, 0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7,
		50, 8, 29, 9, 30, 51, 31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38,
		18, 39, 60, 40, 61, 19, 62, 20, 41, -1, -1, 63)
}

// encode appends the bytes of sum that order names, three at a time, the first of which is the most significant, as
// characters of six bits, the least significant first. Index -1 is a byte that is not there, and takes no character.
func encode(out, sum []byte, order ...int) []byte {
	for ; len(order) >= 3; order = order[3:] {
		value, chars := 0, 4
		for _, i := range order[:3] {
			value <<= 8
			if i < 0 {
				chars--
				continue
			}
			value |= int(sum[i])
		}
		for range chars {
			out = append(out, crypt64[value&63])
			value >>= 6
		}
	}
	return out
}
