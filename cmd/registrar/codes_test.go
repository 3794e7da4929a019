package main

import (
	"errors"
	"testing"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// rendering is a Renderer that only says that it was asked.
type rendering struct{ asked int }

func (r *rendering) Render(notify.Claim) (notify.Message, error) {
	r.asked++
	return notify.Message{}, nil
}

// TestNoticesToNobody: what tells the owner of an account is not sent where there
// is none any more.
func TestNoticesToNobody(t *testing.T) {
	t.Parallel()
	r := &rendering{}
	claim := notify.Claim{Notification: registration.Notification{Kind: registration.AlreadyRegistered, Channel: registration.EmailChannel}}
	_, err := codeOpener{next: r}.Render(claim)
	if withheld, ok := errors.AsType[*notify.WithheldError](err); !ok || withheld.Reason != "NO_ACCOUNT" || r.asked != 0 {
		t.Errorf("asked %d times, %v", r.asked, err)
	}
	claim.Username = "amina"
	if _, err := (codeOpener{next: r}).Render(claim); err != nil || r.asked != 1 {
		t.Errorf("asked %d times, %v", r.asked, err)
	}
}
