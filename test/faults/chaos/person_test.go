package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"registrar/test/harness"
)

// person is somebody who is registered, by one caller or, in conflict, by two at
// once, and what is done with the registration then. All of it is by the seed.
type person struct {
	round    int
	number   int // of all persons of the run
	email    string
	mobile   string             // E.164, "" for none
	requests []harness.Register // one a caller; they have the e-mail in common

	// What is done, beside or after Register.
	early   bool // looked up while it is being registered
	lookups []lookup
	repeat  bool // the same request again, after its answer
	wrong   bool // a wrong code is tried once
	resend  bool // the code by e-mail is asked for again
	verify  [2]bool
	elder   bool // somebody of an earlier round is looked at
	pauses  [8]time.Duration
	guess   uint64
	replays lookup // how the elder is looked up
}

// lookup is by which key somebody is looked up.
type lookup string

const (
	byEmail    lookup = "email"
	byUsername lookup = "username"
	byID       lookup = "registrationId"
)

// channels by their index in person.verify.
var channels = [2]string{"EMAIL", "SMS"}

// newPerson draws the number-th person of a run.
func newPerson(seed uint64, round, number int) *person {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	chance := func(percent int) bool { return r.IntN(100) < percent }
	p := &person{round: round, number: number, email: fmt.Sprintf("%s%d@example.com", prefix(round), number)}
	if chance(60) {
		p.mobile = fmt.Sprintf("+96651%07d", number%10_000_000)
	}
	callers := 1
	if chance(10) {
		callers = 2
	}
	for i := range callers {
		name := fmt.Sprintf("%s%d%c", prefix(round), number, 'a'+i)
		p.requests = append(p.requests, harness.Register{
			RequestID: name, Username: name, Email: p.email, Password: fmt.Sprintf("velvet-anchor-%d", number), FirstName: "Noor", LastName: "Haddad",
			MobileNumber: p.mobile, Locale: "en",
		})
	}
	p.early, p.repeat, p.wrong, p.resend, p.elder = chance(10), chance(20), chance(10), chance(10), chance(20)
	for range r.IntN(3) {
		p.lookups = append(p.lookups, []lookup{byEmail, byUsername, byID}[r.IntN(3)])
	}
	p.verify = [2]bool{chance(50), p.mobile != "" && chance(40)}
	for i := range p.pauses {
		p.pauses[i] = time.Duration(r.Int64N(int64(400 * time.Millisecond)))
	}
	p.guess, p.replays = r.Uint64(), []lookup{byEmail, byUsername, byID}[r.IntN(3)]
	return p
}

// prefix begins the names and addresses of a round's persons. No round's is the
// beginning of another one's.
func prefix(round int) string { return "r" + strconv.Itoa(round) + "n" }

// roundOf is the round of a username, a request id or an address; -1 for none.
func roundOf(name string) int {
	digits, _, ok := strings.Cut(strings.TrimPrefix(name, "r"), "n")
	round, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return -1
	}
	return round
}

// contacts are the recipients by channel.
func (p *person) contacts() map[string]string {
	c := map[string]string{"EMAIL": p.email}
	if p.mobile != "" {
		c["SMS"] = p.mobile
	}
	return c
}
