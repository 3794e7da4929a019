package smtp

import (
	"context"
	"time"
)

// pingTimeout is for the answer to NOOP.
const pingTimeout = 5 * time.Second

// take gives an idle connection that nothing speaks against, or a new one.
func (s *Sender) take(ctx context.Context) (*connection, error) {
	for {
		c := s.pop()
		if c == nil {
			return s.dial(ctx)
		}
		if c.quiet(time.Now()) {
			return c, nil
		}
		c.drop()
	}
}

// pop takes out the connection that was used last; nil for none.
func (s *Sender) pop() *connection {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	c := s.idle[last]
	s.idle = s.idle[:last]
	return c
}

func (s *Sender) put(c *connection) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.idle = append(s.idle, c)
}

// tend closes connections that nobody has used for long, and keeps some of them
// open, until ctx ends.
func (s *Sender) tend(ctx context.Context) {
	ticker := time.NewTicker(max(min(s.config.IdleTimeout, s.config.KeepAlive)/4, time.Millisecond))
	defer ticker.Stop()
	s.keepWarm(ctx, time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, c := range s.unused(now.Add(-s.config.IdleTimeout)) {
				c.quit()
			}
			s.keepWarm(ctx, now)
		}
	}
}

// unused takes out the connections that were last used before t, save those
// that are to stay warm.
func (s *Sender) unused(t time.Time) []*connection {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for n < len(s.idle)-s.config.Warm && s.idle[n].lastUsed.Before(t) {
		n++
	}
	old := s.idle[:n:n]
	s.idle = append([]*connection(nil), s.idle[n:]...)
	return old
}

// keepWarm asks connections that were silent for KeepAlive for a sign of life,
// and opens one where one is missing. A connection in its hands counts as in use.
func (s *Sender) keepWarm(ctx context.Context, now time.Time) {
	for range s.config.Warm {
		select {
		case s.slots <- struct{}{}:
		default:
			return // all are in use, and warm by that
		}
		c, missing := s.silent(now.Add(-s.config.KeepAlive))
		if c != nil {
			ctx, cancel := context.WithTimeout(ctx, pingTimeout)
			missing = !c.quiet(now) || !c.ping(ctx)
			cancel()
			if missing {
				c.drop()
			}
		}
		if missing {
			// Where it fails, the next message or the next round tries again.
			if c, _ = s.dial(ctx); c != nil {
				c.lastUsed = now
			}
		}
		if c != nil {
			s.put(c)
		}
		<-s.slots
		if c == nil {
			return
		}
	}
}

// silent takes out the connection that was silent longest, if that is since
// before t; else it says whether there are too few connections.
func (s *Sender) silent(t time.Time) (c *connection, missing bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.idle)+len(s.slots)-1 < s.config.Warm { // one slot is the caller's
		return nil, true
	}
	at := -1
	for i, c := range s.idle {
		if c.lastHeard.Before(t) && (at < 0 || c.lastHeard.Before(s.idle[at].lastHeard)) {
			at = i
		}
	}
	if at < 0 {
		return nil, false
	}
	c = s.idle[at]
	s.idle = append(s.idle[:at], s.idle[at+1:]...)
	return c, false
}
