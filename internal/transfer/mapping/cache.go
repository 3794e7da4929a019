package mapping

import (
	"strings"
	"sync"
)

// cache keeps what was worked out for the first texts that it was asked for.
type cache[T any] struct {
	mu    sync.RWMutex
	known map[string]T
}

const cacheMost = 4096

func (c *cache[T]) get(text string, work func() T) T {
	c.mu.RLock()
	v, ok := c.known[text]
	c.mu.RUnlock()
	if ok {
		return v
	}
	v = work()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]T{}
	}
	if len(c.known) < cacheMost {
		c.known[strings.Clone(text)] = v
	}
	return v
}

// domain is Environment.DomainToASCII of the few domains that most people have.
func (r *row) domain(name string) (string, error) {
	ascii := r.domains.get(name, func() string {
		ascii, err := r.env.DomainToASCII(name)
		if err != nil {
			return ""
		}
		return ascii
	})
	if ascii == "" {
		return "", errDomain
	}
	return ascii, nil
}
