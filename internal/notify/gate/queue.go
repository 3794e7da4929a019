package gate

import "container/list"

// waiter is one Pass that waits for its turn.
type waiter struct {
	most  int
	ready chan struct{} // closed once passed or err is there
	place *list.Element // nil once it has left the queue

	passed int
	err    error
}

// queue is who waits in one priority, the first to come in front.
type queue struct{ list list.List }

func (q *queue) join(most int) *waiter {
	w := &waiter{most: most, ready: make(chan struct{})}
	w.place = q.list.PushBack(w)
	return w
}

func (q *queue) empty() bool { return q.list.Len() == 0 }

// first is who has waited longest; nobody may ask an empty queue.
func (q *queue) first() *waiter { return q.list.Front().Value.(*waiter) }

// remove says whether w was still in the queue.
func (q *queue) remove(w *waiter) bool {
	if w.place == nil {
		return false
	}
	q.list.Remove(w.place)
	w.place = nil
	return true
}
