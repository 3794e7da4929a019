package gateway

import (
	"crypto/sha256"
	"sync"
	"time"

	"registrar/soap/wss"
)

// mostReplays bounds what is remembered: fewer are sent by mistake, and who
// sends more on purpose is refused by the database.
const mostReplays = 4096

// replays are messages that were sent again already. To refuse one of them
// once more takes neither the database nor, for as long as that takes, a permit
// that its caller may want.
type replays struct {
	mu    sync.Mutex
	known map[replay]time.Time // until their tokens expire
}

type replay struct {
	caller string
	nonce  [sha256.Size]byte
}

func newReplays() *replays { return &replays{known: map[replay]time.Time{}} }

// knows says whether a token's nonce is known to be used.
func (r *replays) knows(caller string, t *wss.Token) bool {
	if t == nil || t.Nonce == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	expires, known := r.known[replay{caller, nonceKey(t)}]
	return known && !time.Now().After(expires)
}

// note remembers that a token's nonce was used before. Where there are too
// many, those that have expired are forgotten, and any one.
func (r *replays) note(caller string, t *wss.Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= mostReplays {
		now := time.Now()
		for one, expires := range r.known {
			if now.After(expires) {
				delete(r.known, one)
			}
		}
		for one := range r.known {
			if len(r.known) < mostReplays {
				break
			}
			delete(r.known, one)
		}
	}
	r.known[replay{caller, nonceKey(t)}] = t.Expires
}
