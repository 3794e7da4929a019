package endpoint

import "golang.org/x/text/language"

// The success message of Register, for a person, by language. The first is
// for every language that has none.
var (
	messageLanguages  = language.NewMatcher([]language.Tag{language.English, language.Arabic})
	registeredMessage = []string{
		"Your account has been registered.",
		"تم تسجيل حسابك.",
	}
)

func registered(locale string) string {
	_, i := language.MatchStrings(messageLanguages, locale)
	return registeredMessage[i]
}
