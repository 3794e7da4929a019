package migration_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// balancer stands between the application and the service. It can lose answers: the
// service has done what it was asked, and the connection breaks. And it can hang.
type balancer struct {
	*httptest.Server
	target atomic.Pointer[url.URL]
	lose   atomic.Int64 // so many answers to come
	hang   atomic.Int64 // so many calls to come wait until the caller gives them up
}

var errLost = errors.New("the answer is lost")

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(b.target.Load())
			r.Out.Host = r.In.Host // by which the contract says where the service is
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost && b.lose.Add(-1) >= 0 {
				return errLost
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || b.hang.Load() == 0 {
			proxy.ServeHTTP(w, r)
			return
		}
		b.hang.Add(-1)
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	}))
	t.Cleanup(b.Close)
	return b
}
