package password

import "time"

// OnRelease replaces what a pool does when it has been idle long enough.
func (p *Pool) OnRelease(f func()) { p.idle.free = f }

// IdleBeforeRelease is how long that is.
const IdleBeforeRelease = idleBeforeRelease

// Matches asks a hash for a password in each of its forms.
var Matches = matches

// MaxDecoyClasses is how many classes decoys have.
const MaxDecoyClasses = maxDecoyClasses

// Fold and Prepare are the forms in which passwords are compared and hashed.
var Fold = fold

// Prepare as a string.
func Prepare(s string) string { return string(prepare(s)) }

// Blocklist is the unpacked list.
func Blocklist() (string, error) {
	list, err := loadBlocklist()
	return string(list), err
}

// HasIn looks folded up in a list of its own.
func HasIn(list, folded string) bool { return blocklist(list).has(folded) }

// ReleaseAfter sets how long a pool is idle before it gives memory back.
func (p *Pool) ReleaseAfter(wait time.Duration) { p.idle.wait = wait }
