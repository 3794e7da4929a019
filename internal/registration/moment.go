package registration

import "time"

// moment is what a call fixes before its first attempt to store anything: when
// it is, and the ids of all that it may store.
type moment struct {
	at          time.Time // UTC, to the microsecond
	traceParent string
	ids         []ID
}

// moment draws as many ids as the call can use; the first one is the call's own.
func (s *Service) moment(call Call, traceParent string, ids int) (moment, error) {
	m := moment{at: call.at(s.Now()).UTC().Truncate(time.Microsecond), traceParent: traceParent, ids: make([]ID, ids)}
	for i := range m.ids {
		if i == 0 && !call.ID.IsZero() {
			m.ids[i] = call.ID
			continue
		}
		id, err := s.NewID()
		if err != nil {
			return moment{}, WrapError(Internal, "The service could not make an id.", err)
		}
		m.ids[i] = id
	}
	return m, nil
}

// next gives an id that was not given before.
func (m *moment) next() ID {
	id := m.ids[0]
	m.ids = m.ids[1:]
	return id
}

// notification is one that is queued now.
func (m *moment) notification(account ID, kind Kind, channel Channel, recipient, locale string, deadline time.Time) Notification {
	return Notification{
		ID: m.next(), AccountID: account, Kind: kind, Channel: channel, Recipient: recipient, Locale: locale,
		CreatedAt: m.at, Deadline: deadline, TraceParent: m.traceParent, State: Queued, UpdatedAt: m.at,
	}
}

// event is something that happens to an account now.
func (m *moment) event(what EventType, a Account) Event {
	return Event{
		ID: m.next(), Type: what, AccountID: a.ID, At: m.at, TraceParent: m.traceParent, Caller: a.Caller, ExternalID: a.ExternalID, Status: a.Status,
	}
}

// contactVerified says that a contact was shown to be its owner's.
func (m *moment) contactVerified(a Account, channel Channel) Event {
	e := m.event(EventContactVerified, a)
	e.Channel = channel
	return e
}
