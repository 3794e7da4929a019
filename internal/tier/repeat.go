package tier

import (
	"context"
	"math/rand/v2"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// What a call carries beside its message.
const (
	correlationKey = "x-correlation-id"
	traceKey       = "traceparent" // W3C Trace Context, section 3.2
)

const (
	// attempts is how many servers may be lost under one call. A call that ends
	// each server that takes it must not end them all.
	attempts = 5
	// firstPause is about the longest before the second attempt; each next one
	// is three times as long.
	firstPause = 10 * time.Millisecond
)

// invoke makes a call, again where a server is lost under it, and gives its
// error in the domain's form.
func (c *Client) invoke(ctx context.Context, method string, in, out any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if method == grpc_health_v1.Health_Check_FullMethodName {
		return invoke(ctx, method, in, out, connection, options...)
	}
	name, o := path.Base(method), c.settings.Observer
	ctx = c.withOrigin(ctx)
	began := time.Now()
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := invoke(ctx, method, in, out, connection, options...)
		if attempt < attempts && status.Code(err) == codes.Unavailable && rest(ctx, rand.N(pause)) { //nolint:gosec // jitter
			if o.Repeated != nil {
				o.Repeated(name)
			}
			pause *= 3
			continue
		}
		err = fromStatus(ctx, err)
		if o.Called != nil {
			o.Called(name, codeOf(err), time.Since(began))
		}
		return err
	}
}

// withOrigin sends what a call is part of.
func (c *Client) withOrigin(ctx context.Context) context.Context {
	if c.settings.Origin == nil {
		return ctx
	}
	correlation, traceParent := c.settings.Origin(ctx)
	for _, pair := range [][2]string{{correlationKey, correlation}, {traceKey, traceParent}} {
		if pair[1] != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, pair[0], pair[1])
		}
	}
	return ctx
}

// rest waits, and says whether ctx is still there after it.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil
	}
}
