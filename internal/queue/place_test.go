package queue

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// partitionLog answers fetches as a broker does: what is before first or behind
// the end is out of range, and what is not visible yet is nothing.
type partitionLog struct {
	first   int64
	records []fetched
	hidden  int // of the last ones
}

func (l *partitionLog) fetch(from int64) ([]fetched, error) {
	end := l.first + int64(len(l.records))
	if from < l.first || from > end {
		return nil, kafka.OffsetOutOfRange
	}
	if from >= end-int64(l.hidden) {
		return nil, nil
	}
	return l.records[from-l.first : len(l.records)-l.hidden], nil
}

func (l *partitionLog) write(now time.Time, values string) {
	for _, v := range strings.Split(values, "") {
		l.records = append(l.records, fetched{offset: l.first + int64(len(l.records)), time: now, value: []byte(v)})
	}
}

// step is one turn of a reader; what was read is added to got.
func step(p *place, l *partitionLog, now time.Time, got *strings.Builder) (lost bool, err error) {
	from := p.from(now)
	records, err := l.fetch(from)
	if err == nil {
		records, err = p.arrive(records, from, now)
	}
	if outside(err) {
		return p.begin(l.first, now), nil
	}
	for _, r := range records {
		got.Write(r.value)
		p.passed(r)
	}
	return false, err
}

// TestTheSameLogIsReadOn: no record comes twice, whatever time passes and
// however often a broker fails, and nothing is said to be lost.
func TestTheSameLogIsReadOn(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	l, got := &partitionLog{}, &strings.Builder{}
	p := place{next: 0}
	want := ""
	for i := range 2000 {
		l.hidden = 0
		if rand.IntN(3) == 0 {
			v := string(rune('a' + i%26))
			l.write(now, v)
			want += v
			l.hidden = rand.IntN(2) // a new leader shows it later
		}
		if rand.IntN(4) == 0 {
			p.answered, p.hidden = time.Time{}, false // it failed
		}
		now = now.Add(time.Duration(rand.IntN(1500)) * time.Millisecond)
		if lost, err := step(&p, l, now, got); lost || err != nil {
			t.Fatalf("lost %v, %v", lost, err)
		}
	}
	l.hidden = 0
	for range 3 {
		if _, err := step(&p, l, now, got); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != want {
		t.Errorf("read %d records, want %d, each once and in order", got.Len(), len(want))
	}
}

// TestAnotherLogIsReadFromItsBeginning, wherever it ends by the time that it is
// looked at.
func TestAnotherLogIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	for values, after := range map[string]time.Duration{"v": 0, "vw": 0, "vwx": 0, "vwxy": 0, "vwxyz": 0, "xyzvw": sureFor} {
		now := time.Unix(1_000_000, 0)
		old, got := &partitionLog{}, &strings.Builder{}
		old.write(now, "xyz")
		p := place{next: 0}
		if _, err := step(&p, old, now, got); err != nil || got.String() != "xyz" {
			t.Fatal(got, err)
		}
		if after == 0 {
			p.answered = time.Time{} // the brokers were away
		}
		now = now.Add(after)
		anew := &partitionLog{}
		anew.write(now.Add(time.Millisecond), values)
		got.Reset()
		lost := false
		for range 4 {
			told, err := step(&p, anew, now, got)
			if err != nil {
				t.Fatal(err)
			}
			lost = lost || told
		}
		if got.String() != values || !lost {
			t.Errorf("%s: read %q, lost %v", values, got, lost)
		}
	}
}

// TestWhatIsCutBehindAReader: messages that were read may go, those that were not
// may not without a word.
func TestWhatIsCutBehindAReader(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	for first, want := range map[int64]bool{5: false, 6: true, 3: false} {
		l, got := &partitionLog{first: first}, &strings.Builder{}
		l.write(now, "abcdefgh")
		p := place{next: 5} // as it was committed
		lost := false
		for range 4 {
			told, err := step(&p, l, now, got)
			if err != nil {
				t.Fatal(err)
			}
			lost = lost || told
		}
		if lost != want || got.String() != "abcdefgh"[max(0, 5-first):] {
			t.Errorf("a log that begins at %d: read %q, lost %v", first, got, lost)
		}
	}
}
