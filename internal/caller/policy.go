package caller

import "errors"

// What a Policy cannot be. Each says what to do instead.
var (
	errSafeShadow        = errors.New("a caller in shadow mode is told all that it would be told, to compare it with its own outcome: an enumeration-safe one is told less, so it cannot be both. End shadow mode first, then make it enumeration-safe")
	errSafeVerified      = errors.New("a caller that has verified the contacts of those whom it registers knows that an address is theirs, and an account that is ACTIVE at once cannot be kept from somebody else's address: it cannot be enumeration-safe too")
	errSafeNotifications = errors.New("an enumeration-safe caller's people are told by mail what the caller is not: notifications cannot be suppressed for it")
)

// Check says what in p contradicts itself; nil for nothing.
func (p Policy) Check() error {
	switch {
	case p.EnumerationSafe && p.Shadow:
		return errSafeShadow
	case p.EnumerationSafe && p.VerifiedContacts:
		return errSafeVerified
	case p.EnumerationSafe && p.SuppressNotifications:
		return errSafeNotifications
	default:
		return nil
	}
}
