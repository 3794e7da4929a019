package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

func (r *row) externalID() {
	id := r.text(fieldExternalID)
	switch {
	case id == "" && r.broken(fieldExternalID):
	case id == "":
		r.note(transfer.ExternalIDInvalid, "", "there is none")
	case utf8.RuneCountInString(id) > maxExternalID:
		r.note(transfer.ExternalIDInvalid, "", "it has more than 64 characters")
	case strings.ContainsFunc(id, unicode.IsControl):
		r.note(transfer.ExternalIDInvalid, "", "it holds a control character")
	default:
		r.Person.Account.ExternalID = id
	}
}

func (r *row) username() {
	text := r.text(fieldUsername)
	if text == "" {
		if !r.broken(fieldUsername) && r.note(transfer.UsernameMissing, "", "") == transfer.ExternalID {
			r.generateUsername()
		}
		return
	}
	name, wrong := registration.ParseUsername(text)
	var why string
	switch {
	case wrong != nil:
		why = wrong.Message
	case utf8.RuneCountInString(text) > maxUsername:
		why = "has more than 64 characters"
	default:
		r.Person.Account.Username = name
		return
	}
	if r.note(transfer.UsernameInvalid, "", why) == transfer.ExternalID {
		r.generateUsername()
	}
}

// generateUsername makes a name of the external id. Where that does not come to a
// name the row is refused.
func (r *row) generateUsername() bool {
	a := &r.Person.Account
	name, wrong := registration.ParseUsername("user-" + a.ExternalID)
	if a.ExternalID == "" || wrong != nil || utf8.RuneCountInString(name.Text) > maxUsername || strings.ContainsRune(name.Key, '@') {
		r.Findings = append(r.Findings, transfer.Finding{Rule: transfer.UsernameInvalid, Action: transfer.Refuse, Why: "none can be made of the external id"})
		return false
	}
	a.Username = name
	return true
}

// ownUsername refuses a name that is somebody else's address.
func (r *row) ownUsername() {
	a := &r.Person.Account
	if !strings.ContainsRune(a.Username.Key, '@') {
		return
	}
	if address, wrong := registration.ParseEmail(a.Username.Text, r.domain); wrong == nil && a.Email.Text != "" && address.Key == a.Email.Key {
		return
	}
	a.Username = registration.Username{}
	if r.note(transfer.UsernameInvalid, "", "is an e-mail address other than the account's own") == transfer.ExternalID {
		r.generateUsername()
	}
}

func (r *row) email() {
	text := r.text(fieldEmail)
	if text == "" {
		if !r.broken(fieldEmail) {
			r.note(transfer.EmailMissing, "", "")
		}
		return
	}
	email, wrong := registration.ParseEmail(text, r.domain)
	var why string
	switch {
	case wrong != nil:
		why = wrong.Message
	case utf8.RuneCountInString(text) > maxEmail:
		why = "has more than 254 characters"
	default:
		r.Person.Account.Email = email
		return
	}
	r.note(transfer.EmailInvalid, "", why)
}

func (r *row) mobile() {
	v := r.values[fieldMobile]
	if v.null || v.text == "" {
		return
	}
	if v.mobile == "" {
		var err error
		if v.mobile, err = r.env.ParseMobile(v.text); err != nil {
			r.note(transfer.MobileInvalid, "", "")
			return
		}
	}
	r.Person.Account.Mobile = v.mobile
}

func (r *row) password() {
	hash := r.text(fieldPasswordHash)
	if hash == "" {
		if !r.broken(fieldPasswordHash) {
			r.note(transfer.PasswordMissing, "", "")
		}
		return
	}
	err := r.env.CheckHash(hash)
	switch {
	case err != nil:
		r.note(transfer.PasswordUnusable, "", err.Error())
	case utf8.RuneCountInString(hash) > maxPasswordHash:
		r.note(transfer.PasswordUnusable, "", "has more than 512 characters")
	default:
		r.Person.Account.PasswordHash = hash
	}
}
