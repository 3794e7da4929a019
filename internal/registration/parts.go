package registration

import "golang.org/x/text/language"

// CheckName checks a first or last name as Register does, but for its length,
// which is the contract's: 30 characters. The rules it can break are CHARACTERS
// and BLANK.
func CheckName(field, name string) *FieldError { return checkName(field, name) }

// ParseLocale reads a language tag (BCP 47) as Register does, into its canonical
// form. The rules it can break are LANGUAGE_TAG and TOO_LONG.
func ParseLocale(text string) (string, *FieldError) {
	if len(text) > maxLocale {
		return "", &FieldError{"locale", "TOO_LONG", "has more than 35 characters"}
	}
	return canonicalLocale(text)
}

// canonicalLocale is a language tag's canonical form, or the tag itself where that
// has no room in the contract.
func canonicalLocale(text string) (string, *FieldError) {
	tag, err := language.Parse(text)
	if err != nil {
		return "", &FieldError{"locale", "LANGUAGE_TAG", "is not a language tag of BCP 47"}
	}
	if canonical := tag.String(); len(canonical) <= maxLocale {
		return canonical, nil
	}
	return text, nil
}
