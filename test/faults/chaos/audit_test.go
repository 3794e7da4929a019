package chaos_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"registrar/test/harness"
)

// violation is something that may not be.
type violation struct{ what, detail string }

func (v violation) String() string { return v.what + ": " + v.detail }

// audit is a round that is over: what callers did and were told, what one node
// has, and what came at the sinks. It is held against each other when nothing is
// in progress any more.
type audit struct {
	batch    *batch
	books    *books
	arrivals *arrivals
	wrong    []violation
}

func (a *audit) found(what, format string, args ...any) {
	a.wrong = append(a.wrong, violation{what, fmt.Sprintf(format, args...)})
}

// asked is what became of one request, over all of its repetitions.
type asked struct {
	acknowledged, refused, unanswered int
	id, registeredAt                  string
}

// ends are what became of a batch's persons as a node has it: look-ups at the
// very end of its history, and those who are registered for good.
func (b *batch) ends(of *books, now time.Duration) (looks []operation, young []settled) {
	receipts := map[string]operation{}
	for _, o := range b.history.operations() {
		if o.what == register && o.outcome == done {
			receipts[o.person.requests[o.request].RequestID] = o
		}
	}
	for _, p := range b.persons {
		o := operation{person: p, what: look, key: byEmail, value: p.email, called: now, returned: now, outcome: "NOT_FOUND"}
		for i, r := range p.requests {
			for _, row := range of.accounts[r.Username] {
				o.outcome = done
				o.found = harness.Registration{RegistrationID: row.id, Status: row.status, Username: row.username, Email: row.email, MobileNumber: row.mobile}
				for k, at := range []*string{&o.found.EmailVerifiedAt, &o.found.MobileVerifiedAt} {
					if row.verified[k] != "0" {
						*at = soapTime(row.verified[k])
					}
				}
				if told, ok := receipts[r.RequestID]; ok {
					young = append(young, settled{person: p, request: i, receipt: told.receipt, verified: [2]bool{row.verified[0] != "0", row.verified[1] != "0"}})
				}
			}
		}
		looks = append(looks, o)
	}
	return looks, young
}

// run gives all that is wrong.
func (a *audit) run() []violation {
	requests := map[string]asked{}
	resent := map[string][2]int{} // at least and at most, by e-mail and channel
	for _, o := range a.batch.history.operations() {
		switch o.what {
		case register:
			r := requests[o.person.requests[o.request].RequestID]
			switch o.outcome {
			case done:
				r.acknowledged++
				r.id, r.registeredAt = o.receipt.RegistrationID, o.receipt.RegisteredAt
			case unknown:
				r.unanswered++
			default:
				r.refused++
			}
			requests[o.person.requests[o.request].RequestID] = r
		case resend:
			n := resent[o.person.email+" "+o.channel]
			n[1] += o.tries // the cooldown may be over at each of them
			switch o.outcome {
			case done:
				n[0]++
			case unknown:
			default:
				n[1]-- // the last try is known to have sent nothing
			}
			resent[o.person.email+" "+o.channel] = n
		}
	}
	expected := map[string]bool{}
	notices := map[string][]noticeRow{}
	for _, n := range a.books.notices {
		notices[n.account] = append(notices[n.account], n)
	}
	for _, p := range a.batch.persons {
		owners := 0
		for _, r := range p.requests {
			expected[r.Username] = true
			owners += len(a.books.accounts[r.Username])
			a.request(p, r.Username, requests[r.RequestID], notices, resent)
		}
		if owners > 1 {
			a.found("duplicate", "%s has %d accounts", p.email, owners)
		}
	}
	for username := range a.books.accounts {
		if !expected[username] {
			a.found("stray", "nobody has registered %s", username)
		}
	}
	for what, n := range a.books.orphans {
		if n > 0 {
			a.found("half commit", "%s, %d times", what, n)
		}
	}
	a.delivered()
	return a.wrong
}

// request checks one request's rows: they are all there or none of them.
func (a *audit) request(p *person, username string, r asked, notices map[string][]noticeRow, resent map[string][2]int) {
	rows, records := a.books.accounts[username], a.books.requests[username]
	switch {
	case len(rows) == 0 && r.acknowledged > 0:
		a.found("lost", "%s was acknowledged as %s and is not there", username, r.id)
	case len(rows) == 0 && len(records) > 0:
		a.found("half commit", "%s has a record of its request and no account", username)
	case len(rows) > 1 || len(records) > 1:
		a.found("duplicate", "%s has %d accounts and %d records of its request", username, len(rows), len(records))
	}
	if len(rows) == 0 {
		return
	}
	row := rows[0]
	if r.acknowledged == 0 && r.unanswered == 0 {
		a.found("stray", "%s was refused, and is there", username)
	}
	if r.acknowledged > 0 && (row.id != r.id || soapTime(row.registeredAt) != r.registeredAt) {
		a.found("lost", "%s was acknowledged as %s at %s and is %s at %s", username, r.id, r.registeredAt, row.id, soapTime(row.registeredAt))
	}
	if row.email != p.email || row.mobile != p.mobile {
		a.found("half commit", "%s has other contacts than it was registered with", username)
	}
	if a.books.profiles[row.id] != 1 {
		a.found("half commit", "%s has %d profiles", username, a.books.profiles[row.id])
	}
	if len(records) != 1 || records[0].account != row.id || records[0].registeredAt != row.registeredAt {
		a.found("half commit", "%s has not its record of the request: %+v", username, records)
	}
	counts := map[[2]string]int{}
	for _, n := range notices[row.id] {
		counts[[2]string{n.kind, n.channel}]++
		if to := p.contacts()[n.channel]; n.to != to {
			a.found("stray", "a notification of %s goes to %s", username, n.to)
		}
		if open := a.books.outbox[n.id] > 0; open != n.open() {
			a.found("half commit", "%s by %s of %s is %s, and it has %d rows in the outbox", n.kind, n.channel, username, n.state, a.books.outbox[n.id])
		}
	}
	for channel := range p.contacts() {
		if a.books.codes[row.id+" "+channel] != 1 {
			a.found("half commit", "%s has %d codes by %s", username, a.books.codes[row.id+" "+channel], channel)
		}
		more := resent[p.email+" "+channel]
		if n := counts[[2]string{kindCode, channel}]; n < 1+more[0] || n > 1+more[1] {
			a.found("half commit", "%s has %d notifications of codes by %s, want %d to %d", username, n, channel, 1+more[0], 1+more[1])
		}
		news := 0
		if row.verified[0] != "0" {
			news = 1
		}
		if n := counts[[2]string{kindNews, channel}]; n != news {
			a.found("half commit", "%s has %d notifications of its completion by %s, want %d", username, n, channel, news)
		}
	}
	if active := row.status == "ACTIVE"; active != (row.verified[0] != "0") {
		a.found("half commit", "%s is %s, and its e-mail is verified: %v", username, row.status, row.verified[0] != "0")
	}
}

// delivered holds the ledger against what came.
func (a *audit) delivered() {
	type sum struct{ least, most int }
	texts := map[text]sum{}
	known := map[string]bool{}
	later := map[[3]string]bool{} // by account, kind and channel: there is one that a later one has not replaced
	for _, n := range a.books.notices {
		if n.reason != "SUPERSEDED" {
			later[[3]string{n.account, n.kind, n.channel}] = true
		}
	}
	for _, n := range a.books.notices {
		doubts := max(n.ambiguous, a.books.attempts[n.id])
		least := 1
		switch {
		case n.open():
			a.found("notification lost", "%s by %s to %s is still %s", n.kind, n.channel, n.to, n.state)
			continue
		case n.state == "FAILED":
			a.found("notification lost", "%s by %s to %s: FAILED %s", n.kind, n.channel, n.to, n.reason)
		case n.reason == "SUPERSEDED" && a.superseded(n, later[[3]string{n.account, n.kind, n.channel}]):
			least = 0
		}
		if n.channel == "SMS" {
			s := texts[text{n.to, n.kind}]
			texts[text{n.to, n.kind}] = sum{s.least + least, s.most + 1 + doubts}
			continue
		}
		known[n.id] = true
		came := a.arrivals.mails[n.id]
		if came == nil {
			came = &arrival{to: n.to, kind: n.kind}
		}
		if came.to != n.to || came.kind != n.kind {
			a.found("stray", "%s to %s came as %s to %s", n.kind, n.to, came.kind, came.to)
		}
		a.times(fmt.Sprintf("%s by EMAIL to %s, %s %s", n.kind, n.to, n.state, n.reason), came.times, least, 1+doubts)
	}
	for to, s := range texts {
		a.times(fmt.Sprintf("%s by SMS to %s", to.kind, to.to), a.arrivals.texts[to], s.least, s.most)
	}
	for id, came := range a.arrivals.mails {
		if !known[id] {
			a.found("stray", "a %s came to %s that is in no ledger: %s", came.kind, came.to, id)
		}
	}
	for to := range a.arrivals.texts {
		if _, ok := texts[to]; !ok {
			a.found("stray", "a %s came to %s that is in no ledger", to.kind, to.to)
		}
	}
}

// superseded says whether there was a reason not to send a code any more: a later
// one, or a contact that is verified.
func (a *audit) superseded(n noticeRow, later bool) bool {
	return n.kind == kindCode && (later || a.books.accountByID[n.account].verified[slices.Index(channels[:], n.channel)] != "0")
}

func (a *audit) times(what string, came, least, most int) {
	switch {
	case came < least:
		a.found("notification lost", "%s: came %d times", what, came)
	case came > most:
		a.found("notification twice", "%s: came %d times, and the ledger's doubts explain %d", what, came, most)
	}
}

// soapTime is a row's time as callers are told it.
func soapTime(micros string) string {
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return micros
	}
	return time.UnixMicro(n).UTC().Format("2006-01-02T15:04:05.999999Z")
}

// differ compares what nodes have of a round.
func differ(names, texts []string) []violation {
	var wrong []violation
	for i := 1; i < len(texts); i++ {
		first, other := strings.Split(texts[0], "\n"), strings.Split(texts[i], "\n")
		for k := range max(len(first), len(other)) {
			at := func(lines []string) string {
				if k < len(lines) {
					return lines[k]
				}
				return "nothing"
			}
			if at(first) != at(other) {
				wrong = append(wrong, violation{"nodes differ", fmt.Sprintf("%s has %q where %s has %q", names[0], at(first), names[i], at(other))})
				break
			}
		}
	}
	return wrong
}

// doubts counts the notifications of which the ledger does not know how an
// attempt ended, and those that came more than once.
func (a *audit) doubts() (doubts, twice int) {
	least := map[text]int{}
	for _, n := range a.books.notices {
		if max(n.ambiguous, a.books.attempts[n.id]) > 0 {
			doubts++
		}
		if n.channel == "SMS" {
			least[text{n.to, n.kind}]++
		}
	}
	for _, m := range a.arrivals.mails {
		twice += max(0, m.times-1)
	}
	for to, times := range a.arrivals.texts {
		twice += max(0, times-least[to])
	}
	return doubts, twice
}
