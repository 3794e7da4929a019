package endpoint

import (
	"golang.org/x/text/language"

	"registrar/internal/registration"
)

// The success messages, for a person, by language. The first is for every
// language that has none.
var (
	messageLanguages  = language.NewMatcher([]language.Tag{language.English, language.Arabic})
	registeredMessage = []string{
		"Your account has been registered.",
		"تم تسجيل حسابك.",
	}
	codeSentMessages = map[registration.Channel][]string{
		registration.EmailChannel: {
			"A code is on its way to your e-mail address.",
			"رمز التحقق في طريقه إلى بريدك الإلكتروني.",
		},
		registration.SMSChannel: {
			"A code is on its way to your mobile number.",
			"رمز التحقق في طريقه إلى رقم جوالك.",
		},
	}
)

func registered(locale string) string { return inLanguage(registeredMessage, locale) }

func codeSent(channel registration.Channel, locale string) string {
	return inLanguage(codeSentMessages[channel], locale)
}

func inLanguage(messages []string, locale string) string {
	_, i := language.MatchStrings(messageLanguages, locale)
	return messages[i]
}
