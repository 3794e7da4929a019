package mapping

import (
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"registrar/internal/registration"
)

// checkConstant finds what would be wrong in every row since it is the same in all.
func (f field) checkConstant(n node, name string) {
	given, ok := f.constantNode(n)
	if !ok || len(f.columns) > 0 || f.make == nil {
		return
	}
	v := f.make(nil)
	for _, t := range f.transforms {
		changed, err := t(v)
		if err != nil {
			given.wrong(err.Error(), "correct it, or its transforms")
			return
		}
		v = changed
	}
	if v.null || v.text == "" {
		return
	}
	switch name {
	case fieldExternalID:
		given.wrong("would be everybody's", "name a column")
	case fieldStatus:
		if _, ok := statusOf(v.text); !ok {
			given.wrong(wrongStatus, "")
		}
	case fieldEmailVerifiedAt, fieldMobileVerifiedAt, fieldRegisteredAt:
		at := v.at
		if at.IsZero() {
			var err error
			if at, err = time.Parse(time.RFC3339, v.text); err != nil {
				given.wrong("is not a time", "write 2024-01-02T03:04:05Z, or use the transform sql_time or unix_time")
				return
			}
		}
		if at.UnixMicro() <= 0 || at.After(time.Now().Add(clockTolerance)) {
			given.wrong("is not a time that has come since 1970", "")
		}
	case fieldConsent:
		if _, err := plainTransforms["bool"](v); err != nil {
			given.wrong(err.Error(), "write true or false")
		}
	case fieldLocale:
		if _, wrong := registration.ParseLocale(posix(v.text)); wrong != nil {
			given.wrong(wrong.Message, "write one such as ar-SA")
		}
	case fieldFirstName, fieldLastName:
		if wrong := registration.CheckName(name, v.text); wrong != nil {
			given.wrong(wrong.Message, "")
		} else if utf8.RuneCountInString(v.text) > maxName {
			given.wrong("has more than 30 characters", "")
		}
	}
}

// constantNode is where a field's text is that is not made of columns.
func (f field) constantNode(n node) (node, bool) {
	if f.kind != keyConstant && f.kind != keyTemplate || n.Kind != yaml.MappingNode {
		return node{}, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == f.kind {
			return node{n.Content[i+1], n.below(f.kind), n.problems}, true
		}
	}
	return node{}, false
}

const wrongStatus = "is neither ACTIVE nor PENDING_VERIFICATION"

// statusOf reads a status, in any letter case.
func statusOf(text string) (registration.Status, bool) {
	status := registration.Status(strings.ToUpper(strings.TrimSpace(text)))
	return status, status == registration.Active || status == registration.PendingVerification
}
