package suppression

import "strings"

// addressStatus lists the enhanced status codes (RFC 3463, and IANA's registry of
// them) that say of a mailbox itself that nothing will ever arrive there. All
// others leave the recipient as it was, among them:
//
//	5.1.2         no such domain: said by the sending side, whose name service may be what is broken
//	5.1.0, 5.0.0  says nothing of what is wrong
//	5.2.2         full: may be emptied
//	5.3.x, 5.4.x  the servers and the way between them
//	5.5.x, 5.6.x  protocol and content
//	5.7.x         policy: against the sender or the message
//	4.x.x         may work later
var addressStatus = map[string]string{
	"5.1.1":  "RFC 3463 section 3.2: the mailbox does not exist",
	"5.1.3":  "RFC 3463 section 3.2: the address is malformed",
	"5.1.6":  "RFC 3463 section 3.2: the mailbox has moved and nobody forwards",
	"5.1.10": "RFC 7505 section 4.2: the domain takes no mail at all (null MX); Exchange: no such recipient",
	"5.2.1":  "RFC 3463 section 3.3: the mailbox is disabled, as class 5 for good",
}

// IsHardBounce says whether an enhanced status code ("5.1.1") means that the
// address itself is of no use.
func IsHardBounce(status string) bool {
	_, found := addressStatus[strings.TrimSpace(status)]
	return found
}
