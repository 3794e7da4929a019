package smpp

import (
	"time"

	"github.com/linxGnu/gosmpp/data"
)

// linger is how long answers may still come after the message centre has ended
// the bind, or after the goodbye.
const linger = time.Second

// watch asks a silent message centre whether it is there, ends a session that
// is left, and gives up answers that are overdue.
func (s *session) watch() {
	ticker := time.NewTicker(max(time.Millisecond, min(s.enquire, s.timeout, linger)/8))
	defer ticker.Stop()
	var asked time.Time
	ticks := 0 // since then: after a halt of this very process, the answer may be there unread
	leaving, left := s.leaving, time.Time{}
	for {
		select {
		case <-s.over:
			return
		case <-leaving:
			leaving, left = nil, time.Now()
		case now := <-ticker.C:
			ticks++
			heard := s.begun.Add(time.Duration(s.heard.Load()))
			switch {
			case asked.After(heard) && now.Sub(asked) >= s.timeout && ticks >= 4:
				s.fail(errSilent)
				return
			case !asked.After(heard) && now.Sub(heard) >= s.enquire:
				asked, ticks = now, 0
				s.mutex.Lock()
				sequence := s.next()
				s.mutex.Unlock()
				s.send(encodeHeader(data.ENQUIRE_LINK, 0, sequence))
			}
			s.giveUp(now)
			if !left.IsZero() && now.Sub(left) >= linger {
				s.fail(errUnbound)
				return
			}
		}
	}
}

// giveUp frees the places of messages whose answer nobody waits for and which is
// overdue.
func (s *session) giveUp(now time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for sequence, p := range s.pending {
		if p.left && now.Sub(p.sent) >= s.timeout {
			delete(s.pending, sequence)
			p.done(nil)
		}
	}
}

// unbind says goodbye, and waits for the answer or a second.
func (s *session) unbind() {
	s.mutex.Lock()
	sequence := s.next()
	s.mutex.Unlock()
	s.depart()
	timer := time.NewTimer(linger)
	defer timer.Stop()
	s.send(encodeHeader(data.UNBIND, 0, sequence))
	select {
	case <-s.unbound:
	case <-s.over:
	case <-timer.C:
	}
	s.fail(errClosed)
}
