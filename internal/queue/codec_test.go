package queue_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
	"registrar/internal/queue"
)

const goldenValue = `{"v":1,"id":"01000000-0000-0000-0000-00000000002a","lane":"sms.otp","recipient":"0abc","deadline":1767225600000001}`

func golden() lane.Message {
	m := lane.Message{Lane: lane.SMSOTP, Recipient: 0x0abc, Deadline: time.UnixMicro(1767225600000001).UTC(), TraceParent: traceParent(1)}
	m.NotificationID[0], m.NotificationID[15] = 1, 42
	return m
}

// TestEncode pins version 1's bytes: other versions of the program read them.
func TestEncode(t *testing.T) {
	t.Parallel()
	record, err := queue.Encode(golden())
	if err != nil {
		t.Fatal(err)
	}
	if string(record.Key) != "sms.otp/0abc" || string(record.Value) != goldenValue {
		t.Errorf("key %s value %s", record.Key, record.Value)
	}
	if len(record.Headers) != 1 || record.Headers[0].Key != "traceparent" || string(record.Headers[0].Value) != traceParent(1) {
		t.Errorf("headers %v", record.Headers)
	}
	if _, err := queue.Encode(lane.Message{Lane: "pigeon.otp"}); !errors.Is(err, queue.ErrNoLane) {
		t.Errorf("unknown lane: %v", err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	headers := []kafka.Header{{Key: "other", Value: []byte("x")}, {Key: "traceparent", Value: []byte(traceParent(1))}}
	m, err := queue.Decode([]byte("sms.otp/0abc"), []byte(goldenValue), headers)
	if err != nil || m != golden() {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{"", "x", strings.ToUpper(traceParent(1)) + "Z", strings.Repeat("0", 55), traceParent(1) + strings.Repeat("a", 200), traceParent(1)[:54] + "\x00"} {
		m, err := queue.Decode([]byte("sms.otp/0abc"), []byte(goldenValue), []kafka.Header{{Key: "traceparent", Value: []byte(bad)}})
		if err != nil || m.TraceParent != "" {
			t.Errorf("trace context %q: %q, %v; want it dropped", bad, m.TraceParent, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const key = "sms.otp/0abc"
	change := func(from, to string) string {
		changed := strings.Replace(goldenValue, from, to, 1)
		if changed == goldenValue {
			t.Fatalf("%s is not in the value", from)
		}
		return changed
	}
	cases := map[string]struct{ key, value string }{
		"nothing":            {key, ""},
		"null":               {key, "null"},
		"array":              {key, "[]"},
		"cut off":            {key, goldenValue[:len(goldenValue)-1]},
		"more behind":        {key, goldenValue + "{}"},
		"garbage behind":     {key, goldenValue + "]"},
		"unknown field":      {key, change(`{"v"`, `{"x":1,"v"`)},
		"version 0":          {key, change(`"v":1`, `"v":0`)},
		"version 2":          {key, change(`"v":1`, `"v":2`)},
		"no id":              {key, change(`01000000-0000-0000-0000-00000000002a`, ``)},
		"zero id":            {key, change(`01000000-0000-0000-0000-00000000002a`, `00000000-0000-0000-0000-000000000000`)},
		"no deadline":        {key, change(`1767225600000001`, `0`)},
		"negative deadline":  {key, change(`1767225600000001`, `-1`)},
		"deadline as text":   {key, change(`1767225600000001`, `"soon"`)},
		"other lane":         {key, change(`sms.otp`, `email.otp`)},
		"other recipient":    {key, change(`0abc`, `0abd`)},
		"recipient in caps":  {key, change(`0abc`, `0ABC`)},
		"too long":           {key, change(`{"v"`, `{`+strings.Repeat(" ", 2000)+`"v"`)},
		"no key":             {"", goldenValue},
		"key of no lane":     {"pigeon.otp/0abc", goldenValue},
		"key of no hash":     {"sms.otp", goldenValue},
		"key of short hash":  {"sms.otp/abc", goldenValue},
		"key in caps":        {"sms.otp/0ABC", goldenValue},
		"key with more":      {"sms.otp/0abc/1", goldenValue},
		"key of signed hash": {"sms.otp/+abc", goldenValue},
	}
	for name, c := range cases {
		if m, err := queue.Decode([]byte(c.key), []byte(c.value), nil); err == nil {
			t.Errorf("%s: accepted as %+v", name, m)
		} else if strings.Contains(err.Error(), "0abc") {
			t.Errorf("%s: the error repeats the content: %v", name, err)
		}
	}
}

// FuzzDecode: whatever is accepted is written again as what is read as the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("sms.otp/0abc"), []byte(goldenValue), []byte(traceParent(1)))
	f.Add([]byte("sms.otp/0abc"), []byte("{}"), []byte(""))
	f.Add([]byte("email.marketing/ffff"), []byte(strings.Replace(strings.Replace(goldenValue, "sms.otp", "email.marketing", 1), "0abc", "ffff", 1)), []byte("-"))
	f.Fuzz(func(t *testing.T, key, value, traceParent []byte) {
		m, err := queue.Decode(key, value, []kafka.Header{{Key: "traceparent", Value: traceParent}})
		if err != nil {
			return
		}
		record, err := queue.Encode(m)
		if err != nil {
			t.Fatalf("decoded %+v cannot be encoded: %v", m, err)
		}
		if string(record.Key) != string(key) {
			t.Fatalf("key %q became %q", key, record.Key)
		}
		again, err := queue.Decode(record.Key, record.Value, record.Headers)
		if err != nil || again != m {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
		if p := (queue.LaneBalancer{}).Balance(record); p < 0 || p >= queue.Partitions {
			t.Fatalf("partition %d", p)
		}
	})
}
