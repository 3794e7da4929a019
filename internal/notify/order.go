package notify

import "sync"

// order keeps the messages of one recipient one behind the other, as they were
// claimed.
type order struct {
	mu   sync.Mutex
	last map[string]chan struct{} // by recipient: closed when the last of its messages has had its turn
}

// turn is a place in the order. The zero turn waits for nobody.
type turn struct {
	order     *order
	recipient string
	before    chan struct{} // nil for the first
	own       chan struct{}
}

func (o *order) join(recipient string) turn {
	t := turn{order: o, recipient: recipient, own: make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	t.before = o.last[recipient]
	o.last[recipient] = t.own
	return t
}

func (t turn) wait() {
	if t.before != nil {
		<-t.before
	}
}

func (t turn) leave() {
	if t.order == nil {
		return
	}
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	close(t.own)
	if t.order.last[t.recipient] == t.own {
		delete(t.order.last, t.recipient)
	}
}
