package deadletter

import (
	"context"
	"fmt"
	"time"
)

// batch is how many letters are replayed or decided on at once.
const batch = 100

// Service is what people do about letters.
type Service struct {
	Topic     Topic
	Decisions Decisions
	Now       func() time.Time
}

// Each gives all letters, oldest first in each partition, with what was decided.
func (s *Service) Each(ctx context.Context, give func(Decided) error) error {
	return s.Topic.Read(ctx, func(letters []Letter) error {
		decided, err := s.decided(ctx, letters)
		if err != nil {
			return err
		}
		for _, d := range decided {
			if err := give(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// Letter gives one letter with what was decided. Errors: ErrUnknown, ErrUnavailable.
func (s *Service) Letter(ctx context.Context, id ID) (Decided, error) {
	l, err := s.Topic.Letter(ctx, id)
	if err != nil {
		return Decided{}, fmt.Errorf("%s: %w", id, err)
	}
	decided, err := s.decided(ctx, []Letter{l})
	if err != nil {
		return Decided{}, err
	}
	return decided[0], nil
}

func (s *Service) decided(ctx context.Context, letters []Letter) ([]Decided, error) {
	marks := make([]Mark, len(letters))
	for i, l := range letters {
		marks[i] = l.Mark()
	}
	verdicts, err := s.Decisions.Verdicts(ctx, marks)
	if err != nil {
		return nil, err
	}
	decided := make([]Decided, len(letters))
	for i, l := range letters {
		v := verdicts[l.Mark()]
		decided[i] = Decided{Letter: l, Decision: v.Decision, At: v.At}
	}
	return decided, nil
}

// Outcome is what became of letters.
type Outcome struct {
	Done    int  // replayed or discarded now
	Already int  // decided on before, and left as they were
	NoLane  []ID // cannot be replayed
}

func (o *Outcome) add(other Outcome) {
	o.Done += other.Done
	o.Already += other.Already
	o.NoLane = append(o.NoLane, other.NoLane...)
}

// Replay puts letters back into their lanes. One that was replayed before is
// left alone, one that was discarded is not. When one of them cannot be found
// or names no lane, nothing is done. Errors: ErrUnknown, ErrNoLane,
// ErrUnavailable.
func (s *Service) Replay(ctx context.Context, ids []ID) (Outcome, error) {
	letters, err := s.find(ctx, ids)
	if err != nil {
		return Outcome{}, err
	}
	for _, l := range letters {
		if l.Lane == "" && l.Decision != Replayed {
			return Outcome{}, fmt.Errorf("%s: %w", l.ID, ErrNoLane)
		}
	}
	return s.inBatches(letters, func(some []Decided) (Outcome, error) {
		return s.replay(ctx, some, func(d Decision) bool { return d == Replayed })
	})
}

// ReplayAll puts all letters back that nothing was decided on. Those that name
// no lane are told of and stay undecided. Errors: ErrUnavailable.
func (s *Service) ReplayAll(ctx context.Context) (Outcome, error) {
	return s.all(ctx, func(some []Decided) (Outcome, error) {
		return s.replay(ctx, some, func(d Decision) bool { return d != "" })
	})
}

// Discard notes that nothing is to be done about letters. One that was replayed
// or discarded before is left as it is. When one of them cannot be found,
// nothing is done. Errors: ErrUnknown, ErrUnavailable.
func (s *Service) Discard(ctx context.Context, ids []ID) (Outcome, error) {
	letters, err := s.find(ctx, ids)
	if err != nil {
		return Outcome{}, err
	}
	return s.inBatches(letters, func(some []Decided) (Outcome, error) { return s.discard(ctx, some) })
}

// DiscardAll discards all letters that nothing was decided on. Errors: ErrUnavailable.
func (s *Service) DiscardAll(ctx context.Context) (Outcome, error) {
	return s.all(ctx, func(some []Decided) (Outcome, error) { return s.discard(ctx, some) })
}

// find gives each letter once.
func (s *Service) find(ctx context.Context, ids []ID) ([]Decided, error) {
	var letters []Decided
	seen := map[ID]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		l, err := s.Letter(ctx, id)
		if err != nil {
			return nil, err
		}
		letters = append(letters, l)
	}
	return letters, nil
}

func (s *Service) inBatches(letters []Decided, do func([]Decided) (Outcome, error)) (total Outcome, err error) {
	for len(letters) > 0 {
		n := min(batch, len(letters))
		some, err := do(letters[:n])
		total.add(some)
		if err != nil {
			return total, err
		}
		letters = letters[n:]
	}
	return total, nil
}

// all does something with all letters that there are when it is called: those
// that it brings about itself come too late to be met.
func (s *Service) all(ctx context.Context, do func([]Decided) (Outcome, error)) (total Outcome, err error) {
	err = s.Topic.Read(ctx, func(letters []Letter) error {
		decided, err := s.decided(ctx, letters)
		if err != nil {
			return err
		}
		some, err := s.inBatches(decided, do)
		total.add(some)
		return err
	})
	return total, err
}

// replay publishes before it notes: a crash in between has it done again.
func (s *Service) replay(ctx context.Context, letters []Decided, leave func(Decision) bool) (o Outcome, err error) {
	var back []Letter
	var marks []Mark
	for _, l := range letters {
		switch {
		case leave(l.Decision):
			o.Already++
		case l.Lane == "":
			o.NoLane = append(o.NoLane, l.ID)
		default:
			back, marks = append(back, l.Letter), append(marks, l.Mark())
		}
	}
	if len(back) == 0 {
		return o, nil
	}
	if err := s.Topic.Replay(ctx, back); err != nil {
		return o, err
	}
	o.Done = len(back)
	if err := s.decide(ctx, marks, Replayed); err != nil {
		return o, fmt.Errorf("deadletter: %d messages are back in their lanes, but that is not noted: %w", len(back), err)
	}
	return o, nil
}

func (s *Service) discard(ctx context.Context, letters []Decided) (o Outcome, err error) {
	var marks []Mark
	for _, l := range letters {
		if l.Decision != "" {
			o.Already++
			continue
		}
		marks = append(marks, l.Mark())
	}
	if len(marks) == 0 {
		return o, nil
	}
	if err := s.decide(ctx, marks, Discarded); err != nil {
		return o, err
	}
	o.Done = len(marks)
	return o, nil
}

func (s *Service) decide(ctx context.Context, marks []Mark, d Decision) error {
	return s.Decisions.Decide(ctx, marks, Verdict{Decision: d, At: s.Now().UTC().Truncate(time.Microsecond)})
}
