package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"registrar/internal/deadletter"
)

// shelf is a topic and its decisions in memory.
type shelf struct {
	letters  []deadletter.Letter
	verdicts map[deadletter.Mark]deadletter.Verdict
	replayed []deadletter.ID
	decide   error // that Decide gives once, without an effect
	read     error // that Read gives at its end
}

var errGone = errors.New("gone")

func newShelf(letters int) *shelf {
	s := &shelf{verdicts: map[deadletter.Mark]deadletter.Verdict{}}
	for i := range letters {
		s.letters = append(s.letters, deadletter.Letter{ID: deadletter.ID{Offset: int64(i)}, WrittenAt: time.Unix(int64(i), 0), Lane: "email.otp", Reason: "malformed"})
	}
	return s
}

func (s *shelf) Read(_ context.Context, give func([]deadletter.Letter) error) error {
	for some := range slices.Chunk(s.letters, 7) {
		if err := give(some); err != nil {
			return err
		}
	}
	return s.read
}

func (s *shelf) Letter(_ context.Context, id deadletter.ID) (deadletter.Letter, error) {
	for _, l := range s.letters {
		if l.ID == id {
			return l, nil
		}
	}
	return deadletter.Letter{}, deadletter.ErrUnknown
}

func (s *shelf) Replay(_ context.Context, letters []deadletter.Letter) error {
	for _, l := range letters {
		if l.Lane == "" {
			return deadletter.ErrNoLane
		}
	}
	for _, l := range letters {
		s.replayed = append(s.replayed, l.ID)
	}
	return nil
}

func (s *shelf) Verdicts(_ context.Context, marks []deadletter.Mark) (map[deadletter.Mark]deadletter.Verdict, error) {
	some := map[deadletter.Mark]deadletter.Verdict{}
	for _, m := range marks {
		if v, ok := s.verdicts[m]; ok {
			some[m] = v
		}
	}
	return some, nil
}

func (s *shelf) Decide(_ context.Context, marks []deadletter.Mark, v deadletter.Verdict) error {
	if err := s.decide; err != nil {
		s.decide = nil
		return err
	}
	for _, m := range marks {
		s.verdicts[m] = v
	}
	return nil
}

var decidedAt = time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)

func serviceOn(s *shelf) *deadletter.Service {
	return &deadletter.Service{Topic: s, Decisions: s, Now: func() time.Time { return decidedAt }}
}

func ids(offsets ...int64) []deadletter.ID {
	all := make([]deadletter.ID, len(offsets))
	for i, o := range offsets {
		all[i] = deadletter.ID{Offset: o}
	}
	return all
}

// decisions of all letters, a letter each: r, d, or -.
func decisions(t *testing.T, s *deadletter.Service) (all string) {
	t.Helper()
	err := s.Each(t.Context(), func(d deadletter.Decided) error {
		switch d.Decision {
		case "":
			all += "-"
		default:
			all += string(d.Decision[0])
			if !d.At.Equal(decidedAt.Truncate(time.Microsecond)) {
				t.Errorf("decided at %v", d.At)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDecisions: what each command makes of letters, one after the other.
func TestDecisions(t *testing.T) {
	t.Parallel()
	shelf := newShelf(6)
	shelf.letters[4].Lane = ""
	s := serviceOn(shelf)
	for _, step := range []struct {
		name     string
		do       func(context.Context) (deadletter.Outcome, error)
		want     deadletter.Outcome
		err      error
		after    string
		replayed int
	}{
		{"replay two, one named twice", func(ctx context.Context) (deadletter.Outcome, error) { return s.Replay(ctx, ids(1, 2, 1)) }, deadletter.Outcome{Done: 2}, nil, "-rr---", 2},
		{"replay one again, and another", func(ctx context.Context) (deadletter.Outcome, error) { return s.Replay(ctx, ids(1, 3)) }, deadletter.Outcome{Done: 1, Already: 1}, nil, "-rrr--", 3},
		{"one has no lane: none is replayed", func(ctx context.Context) (deadletter.Outcome, error) { return s.Replay(ctx, ids(0, 4)) }, deadletter.Outcome{}, deadletter.ErrNoLane, "-rrr--", 3},
		{"one is not there: none is replayed", func(ctx context.Context) (deadletter.Outcome, error) { return s.Replay(ctx, ids(0, 6)) }, deadletter.Outcome{}, deadletter.ErrUnknown, "-rrr--", 3},
		{"one is not there: none is discarded", func(ctx context.Context) (deadletter.Outcome, error) { return s.Discard(ctx, ids(0, 6)) }, deadletter.Outcome{}, deadletter.ErrUnknown, "-rrr--", 3},
		{"discard one, and one that was replayed", func(ctx context.Context) (deadletter.Outcome, error) { return s.Discard(ctx, ids(0, 1)) }, deadletter.Outcome{Done: 1, Already: 1}, nil, "drrr--", 3},
		{"think better of it", func(ctx context.Context) (deadletter.Outcome, error) { return s.Replay(ctx, ids(0)) }, deadletter.Outcome{Done: 1}, nil, "rrrr--", 4},
		{"discard without a lane", func(ctx context.Context) (deadletter.Outcome, error) { return s.Discard(ctx, ids(4)) }, deadletter.Outcome{Done: 1}, nil, "rrrrd-", 4},
		{"replay all", s.ReplayAll, deadletter.Outcome{Done: 1, Already: 5}, nil, "rrrrdr", 5},
		{"replay all again", s.ReplayAll, deadletter.Outcome{Already: 6}, nil, "rrrrdr", 5},
		{"discard all", s.DiscardAll, deadletter.Outcome{Already: 6}, nil, "rrrrdr", 5},
	} {
		got, err := step.do(t.Context())
		if !errors.Is(err, step.err) || got.Done != step.want.Done || got.Already != step.want.Already || !slices.Equal(got.NoLane, step.want.NoLane) {
			t.Errorf("%s: %+v, %v", step.name, got, err)
		}
		if after := decisions(t, s); after != step.after || len(shelf.replayed) != step.replayed {
			t.Errorf("%s: decided %s, %d replayed", step.name, after, len(shelf.replayed))
		}
	}
}

// TestAll: many, some of them without a lane, and some decided on.
func TestAll(t *testing.T) {
	t.Parallel()
	shelf := newShelf(350)
	for i := range shelf.letters {
		if i%100 == 0 {
			shelf.letters[i].Lane = ""
		}
	}
	s := serviceOn(shelf)
	if _, err := s.Discard(t.Context(), ids(5, 6)); err != nil {
		t.Fatal(err)
	}
	o, err := s.ReplayAll(t.Context())
	if err != nil || o.Done != 344 || o.Already != 2 || !slices.Equal(o.NoLane, ids(0, 100, 200, 300)) || len(shelf.replayed) != 344 {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = s.DiscardAll(t.Context())
	if err != nil || o.Done != 4 || o.Already != 346 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestACrashBetween a replay and its note: it says so, and is done again.
func TestACrashBetween(t *testing.T) {
	t.Parallel()
	shelf := newShelf(2)
	s := serviceOn(shelf)
	shelf.decide = errGone
	if o, err := s.Replay(t.Context(), ids(0, 1)); !errors.Is(err, errGone) || o.Done != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := s.Replay(t.Context(), ids(0, 1)); err != nil || o.Done != 2 || len(shelf.replayed) != 4 || decisions(t, s) != "rr" {
		t.Errorf("%+v, %v; %d replayed, %s", o, err, len(shelf.replayed), decisions(t, s))
	}
	shelf = newShelf(2)
	s = serviceOn(shelf)
	shelf.decide = errGone
	if o, err := s.Discard(t.Context(), ids(0, 1)); !errors.Is(err, errGone) || o.Done != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	shelf.read = errGone
	if o, err := s.DiscardAll(t.Context()); !errors.Is(err, errGone) || o.Done != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := s.Each(t.Context(), func(deadletter.Decided) error { return errDone }); !errors.Is(err, errDone) {
		t.Errorf("the reader's own error: %v", err)
	}
}

var errDone = errors.New("enough")

// TestAnotherLetterAtItsPlace is undecided: the topic was lost, and its offsets
// began again.
func TestAnotherLetterAtItsPlace(t *testing.T) {
	t.Parallel()
	shelf := newShelf(1)
	s := serviceOn(shelf)
	if _, err := s.Discard(t.Context(), ids(0)); err != nil {
		t.Fatal(err)
	}
	shelf.letters[0].WrittenAt = shelf.letters[0].WrittenAt.Add(time.Millisecond)
	if got := decisions(t, s); got != "-" {
		t.Errorf("decided %s", got)
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]deadletter.ID{"0/0": {}, "3/42": {Partition: 3, Offset: 42}, "2147483647/9223372036854775807": {Partition: 1<<31 - 1, Offset: 1<<63 - 1}} {
		if got, err := deadletter.ParseID(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/", "1", "1/", "/1", "-1/1", "1/-1", "+1/1", "01/1", "1/1/1", "1/1 ", "2147483648/1", "1/9223372036854775808", "a/b"} {
		if got, err := deadletter.ParseID(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("0/42")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := deadletter.ParseID(text)
		if err == nil && (id.String() != text || fmt.Sprintf("%d/%d", id.Partition, id.Offset) != text) {
			t.Errorf("%q became %v", text, id)
		}
	})
}
