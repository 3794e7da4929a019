package attacks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"
)

// bomb is a gzip of n MiB of zeros. A gzip file may be several, one after the
// other, so it is made once and repeated.
func bomb(mib int) []byte {
	const each = 16
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, each<<20)) // into memory
	_ = z.Close()
	return bytes.Repeat(b.Bytes(), mib/each)
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

// transports are the attacks by what HTTP says of the body, and by headers.
func transports(v *victim) []attack {
	packed := "Content-Encoding: gzip"
	gigabyte := bomb(1024)
	inside := append(gzipped([]byte(nobody[:len(nobody)/2])), gigabyte[:len(gigabyte)/4]...)
	get := func(path, headers string) request {
		return request{head: "GET " + path + " HTTP/1.1\r\nHost: " + v.address + "\r\n" + headers}
	}
	once := func(name string, r request, want func(answer) string) attack {
		return attack{name: name, want: want, run: func(ctx context.Context, v *victim) []answer { return many(ctx, v, times, r) }}
	}
	tooLarge := invalid("1048576 bytes")
	return []attack{
		headed("compression bomb: 1 GiB of zeros", string(gigabyte), tooLarge, packed),
		headed("compression bomb behind an envelope", string(inside), tooLarge, packed),
		headed("compression bomb in a bomb", string(gzipped(gigabyte)), either(invalid(), tooLarge), packed),
		headed("compression bomb, twice packed", string(gzipped(gigabyte)), status(415), "Content-Encoding: gzip, gzip"),
		headed("gzip that is none", nobody, invalid("Content-Encoding"), packed),
		headed("gzip that is cut off", string(gzipped([]byte(nobody))[:60]), invalid("Content-Encoding"), packed),
		headed("a charset that is not read", nobody, invalid("charset"), "Content-Type: text/xml; charset=utf-7"),
		once("a header of 1 MB", get("/registration", "X-A: "+strings.Repeat("a", 1_000_000)+"\r\n"), either(status(431), cut)),
		once("20,000 headers", get("/registration", strings.Repeat("X-A: a\r\n", 20_000)), either(status(431), cut)),
		once("a request line of 1 MB", get("/registration?"+strings.Repeat("a", 1_000_000), ""), either(status(414, 431), cut)),
		once("a path out of the service", get("/registration/../../../../secret", ""), status(301, 307, 400, 404)),
		once("a schema out of the service", get("/registration?xsd=../../../secret", ""), status(404)),
		once("TRACE", request{head: "TRACE /registration HTTP/1.1\r\nHost: " + v.address + "\r\nCookie: secret\r\n"}, status(405)),
		once("CONNECT", request{head: "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: " + v.address + "\r\n"}, status(400, 404, 405)),
		once("a Host that is somebody else's", request{head: "GET /registration?wsdl HTTP/1.1\r\nHost: evil.example\r\n"}, func(a answer) string {
			if a.status != 200 || strings.Contains(a.text, "evil.example") {
				return "want a description without that name"
			}
			return ""
		}),
		headed("the page of another site", nobody, status(403), "Origin: http://evil.example"),
	}
}
