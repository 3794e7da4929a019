package smtp

import "registrar/internal/notify"

// The phases by name, for the table's test.
var Phases = map[string]phase{"connecting": connecting, "sender": sender, "recipient": recipient, "content": content, "answer": answer}

// Classify is classify by a phase's name.
func Classify(p string, code int) notify.Class { return classify(Phases[p], code) }
