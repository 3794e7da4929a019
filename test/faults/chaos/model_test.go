package chaos_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"registrar/test/harness"
)

// account is the sequential specification: what one e-mail address stands for.
// What an answer has not told yet is "" in it and bound by the first one that
// does, so that all answers have to agree.
type account struct {
	owner    int // whose request registered it, by its index; none for nobody's
	id       string
	receipt  harness.Receipt
	verified [2]bool   // by channel
	at       [2]string // when
}

const none = -1

// bind says whether a value is what was told before.
func bind(known *string, told string) bool {
	if *known == "" {
		*known = told
	}
	return *known == told
}

// step says whether o may have had its outcome at one moment at which the
// account was a, and what it is after it. What has no outcome changes the
// account if it can: it may also have come about after all others, where nobody
// sees it.
func (a account) step(o operation) (bool, account) {
	switch o.what {
	case register:
		return a.register(o)
	case look:
		return a.look(o)
	case verify:
		return a.verify(o)
	default:
		return a.resend(o)
	}
}

func (a account) register(o operation) (bool, account) {
	switch o.outcome {
	case unknown:
		if a.owner == none {
			a.owner = o.request
		}
		return true, a
	case done:
		if a.owner == none {
			a.owner = o.request
		}
		if a.receipt == (harness.Receipt{}) {
			a.receipt = o.receipt
		}
		return a.owner == o.request && a.receipt == o.receipt && bind(&a.id, o.receipt.RegistrationID), a
	case "EMAIL_TAKEN":
		return a.owner != none && a.owner != o.request, a
	default:
		return false, a
	}
}

func (a account) look(o operation) (bool, account) {
	asked := a.owner != none
	if asked && o.key == byUsername {
		asked = o.person.requests[a.owner].Username == o.value
	}
	switch o.outcome {
	case unknown:
		return true, a
	case "NOT_FOUND":
		return !asked || o.key == byID && a.id != o.value, a
	case done:
		if !asked {
			return false, a
		}
		f, status := o.found, "PENDING_VERIFICATION"
		if a.verified[0] {
			status = "ACTIVE"
		}
		right := f.Status == status && f.Username == o.person.requests[a.owner].Username && f.Email == o.person.email && f.MobileNumber == o.person.mobile &&
			bind(&a.id, f.RegistrationID) && (o.key != byID || a.id == o.value)
		for i, at := range []string{f.EmailVerifiedAt, f.MobileVerifiedAt} {
			right = right && a.verified[i] == (at != "") && bind(&a.at[i], at)
		}
		return right, a
	default:
		return false, a
	}
}

func (a account) verify(o operation) (bool, account) {
	i := slices.Index(channels[:], o.channel)
	switch {
	case o.outcome == unknown:
		a.verified[i] = a.verified[i] || a.owner != none && o.right
		return true, a
	case !o.right:
		return a.owner != none && (o.outcome == "CODE_INVALID" || o.outcome == "TOO_MANY_ATTEMPTS"), a
	case o.outcome != done || a.owner == none:
		return false, a
	}
	a.verified[i] = true
	status := "PENDING_VERIFICATION"
	if a.verified[0] {
		status = "ACTIVE"
	}
	return o.verified.Status == status && bind(&a.at[i], o.verified.VerifiedAt), a
}

func (a account) resend(o operation) (bool, account) {
	i := slices.Index(channels[:], o.channel)
	switch o.outcome {
	case unknown:
		return true, a
	case done, "RESEND_TOO_SOON":
		return a.owner != none && !a.verified[i], a
	case "VALIDATION_FAILED":
		return a.verified[i], a
	default:
		return false, a
	}
}

// model is account for porcupine.
var model = porcupine.Model{
	Init: func() any { return account{owner: none} },
	Step: func(state, input, _ any) (bool, any) { return state.(account).step(input.(operation)) },
}

// never is when an operation without an outcome ends.
const never = time.Duration(1<<63 - 1)

// linear gives the e-mail addresses whose operations can have come about in no
// order in which each has its effect at once, at a moment between its call and
// its return (linearizability).
func linear(all []operation) []violation {
	of := map[string][]porcupine.Operation{}
	for i, o := range all {
		if o.outcome == unknown && o.what == look {
			continue
		}
		if o.outcome == unknown {
			o.returned = never
		}
		of[o.person.email] = append(of[o.person.email], porcupine.Operation{ClientId: i, Input: o, Call: int64(o.called), Return: int64(o.returned)})
	}
	var wrong []violation
	for email, part := range of {
		if porcupine.CheckOperationsTimeout(model, part, 10*time.Second) != porcupine.Ok {
			wrong = append(wrong, violation{"history", email + ": no order explains what callers were told:" + story(part)})
		}
	}
	return wrong
}

// story tells a history in the order of its calls.
func story(part []porcupine.Operation) string {
	slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, one := range part {
		o := one.Input.(operation)
		end := "..."
		if o.returned != never {
			end = o.returned.Round(time.Microsecond).String()
		}
		fmt.Fprintf(&b, "\n    %v to %s: %s", o.called.Round(time.Microsecond), end, o)
	}
	return b.String()
}

// String is the operation and its outcome in short.
func (o operation) String() string {
	switch o.what {
	case register:
		return fmt.Sprintf("Register %s: %s %+v", o.person.requests[o.request].RequestID, o.outcome, o.receipt)
	case look:
		f := o.found
		return fmt.Sprintf("GetRegistration %s %s: %s %s %s %s, verified %q %q", o.key, o.value, o.outcome, f.RegistrationID, f.Username, f.Status, f.EmailVerifiedAt, f.MobileVerifiedAt)
	case verify:
		return fmt.Sprintf("VerifyContact %s, right %v: %s %+v", o.channel, o.right, o.outcome, o.verified)
	default:
		return fmt.Sprintf("ResendCode %s: %s", o.channel, o.outcome)
	}
}
