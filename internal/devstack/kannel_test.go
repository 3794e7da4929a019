package devstack_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"registrar/internal/devstack"
)

func TestKannel(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"spool", "file"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			smsc, err := devstack.StartSMSC(ctx, t.TempDir(), devstack.SMSCOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(smsc.Kill)
			dir, options := t.TempDir(), devstack.KannelOptions{Store: store, Throughput: 100}
			k, err := devstack.StartKannel(ctx, dir, smsc, options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(k.Kill)

			// What was taken outlives the process, whatever the message centre does.
			if err := smsc.Behave(ctx, devstack.SMSCBehaviour{JournalPrefix: "96650", Silent: -1}); err != nil {
				t.Fatal(err)
			}
			if err := k.Send(ctx, "+966500000000", "Your code is 654321", 3); err != nil {
				t.Error(err)
			}
			k.Kill()
			if err := smsc.Behave(ctx, devstack.SMSCBehaviour{JournalPrefix: "96650", Rate: 1000}); err != nil {
				t.Fatal(err)
			}
			if k, err = devstack.StartKannel(ctx, dir, smsc, options); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(k.Kill)

			if err := k.Send(ctx, "+966500000001", "Your code is 123456", 3); err != nil {
				t.Error(err)
			}
			if err := k.Send(ctx, "+966590000001", "Read this", 0); err != nil {
				t.Error(err)
			}
			if err := k.SendBatch(ctx, "Read this", []string{"966590000002", "966590000003"}); err != nil {
				t.Error(err)
			}
			if err := k.Send(ctx, "nobody", "Your code is 123456", 3); err == nil {
				t.Error("takes a message to nobody")
			}
			for queued := -1; queued != 0; {
				if queued, err = k.Queued(ctx); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err := k.Stop(); err != nil {
				t.Error(err)
			}

			submits, err := smsc.Submits()
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, s := range submits {
				if s.Priority != 3 {
					t.Errorf("%q has priority %d", s.Text, s.Priority)
				}
				texts = append(texts, s.Destination+" "+s.Text)
			}
			const first, second = "966500000000 Your code is 654321", "966500000001 Your code is 123456"
			// The first is there once or twice: it may have been under way when its sender ended.
			if n := len(texts); n < 2 || n > 3 || texts[n-1] != second || slices.ContainsFunc(texts[:n-1], func(s string) bool { return s != first }) {
				t.Errorf("the message centre has %q", texts)
			}
			if unbinds, err := smsc.Events("unbind"); err != nil || len(unbinds) != 1 {
				t.Errorf("unbinds: %v, %v", unbinds, err)
			}
		})
	}
}
