package notify

// AwaitSends waits until all that was claimed has been sent or put back.
func (n *Notifier) AwaitSends() { n.running.Wait() }
