package migration_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// balancer stands between the application and the service. It can lose answers: the
// service has done what it was asked, and the connection breaks.
type balancer struct {
	*httptest.Server
	target atomic.Pointer[url.URL]
	lose   atomic.Int64 // so many answers to come
}

var errLost = errors.New("the answer is lost")

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	b.Server = httptest.NewServer(&httputil.ReverseProxy{
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
	})
	t.Cleanup(b.Close)
	return b
}
