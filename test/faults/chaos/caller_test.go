package chaos_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"registrar/test/harness"
)

// What a real caller does about an answer that does not come.
const (
	tries      = 3
	callTime   = 10 * time.Second // for all tries
	tryTime    = 3 * time.Second
	firstPause = 200 * time.Millisecond // the mean before the second try; it doubles
	dialTime   = time.Second
)

// caller calls the service at several addresses, which are balancers, on
// connections that are kept.
type caller struct {
	endpoints  []*harness.Service
	transports []*http.Transport
	next       atomic.Uint64
}

func newCaller(urls ...string) *caller {
	c := &caller{}
	for _, url := range urls {
		transport := &http.Transport{
			DialContext: (&net.Dialer{Timeout: dialTime}).DialContext, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second,
		}
		c.transports = append(c.transports, transport)
		c.endpoints = append(c.endpoints, harness.Endpoint(url, &http.Client{Transport: transport}))
	}
	return c
}

func (c *caller) close() {
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// call does something until it has an answer that is for good, three times at
// most, each at another balancer. It gives the last error.
func (c *caller) call(ctx context.Context, do func(context.Context, *harness.Service) error) (tried int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	first := int(c.next.Add(1) % uint64(len(c.endpoints)))
	for tried = 1; ; tried++ {
		err = c.try(ctx, c.endpoints[(first+tried)%len(c.endpoints)], do)
		if outcomeOf(err) != unknown || tried == tries {
			return tried, err
		}
		select {
		case <-ctx.Done():
			return tried, err
		case <-time.After(rand.N(2 * firstPause << (tried - 1))):
		}
	}
}

func (c *caller) try(ctx context.Context, at *harness.Service, do func(context.Context, *harness.Service) error) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return do(ctx, at)
}
