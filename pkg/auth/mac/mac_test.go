package mac

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// What is written out here says what the library says.
func TestIsHMAC(t *testing.T) {
	for n := range 130 {
		secret := bytes.Repeat([]byte("k"), n)
		key := New(secret)
		for _, fields := range [][][]byte{{}, {nil}, {[]byte("a"), []byte("b")}, {[]byte("ab"), nil}, {make([]byte, 5000)}, {bytes.Repeat([]byte("f"), 7*n)}} {
			m := hmac.New(sha256.New, secret)
			for _, f := range fields {
				m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(f))))
				m.Write(f)
			}
			if got := key.Sign(fields...); !hmac.Equal(got[:], m.Sum(nil)) {
				t.Errorf("a key of %d bytes, %d fields: not what crypto/hmac says", n, len(fields))
			}
		}
	}
}

func TestNoTwoListsLookAlike(t *testing.T) {
	key := New([]byte("secret"))
	if key.Sign([]byte("ab"), []byte("c")) == key.Sign([]byte("a"), []byte("bc")) {
		t.Error("two lists of fields look alike")
	}
}
