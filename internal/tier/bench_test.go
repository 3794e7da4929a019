package tier_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/tier"
)

// BenchmarkHop is a call that does nothing, over loopback: what the hop costs.
func BenchmarkHop(b *testing.B) {
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	answer := registration.Receipt{ID: registration.ID{1}, Status: registration.PendingVerification, Locale: "en", RegisteredAt: time.Now()}
	nothing := backend{register: func(context.Context, registration.Request) (registration.Receipt, error) { return answer, nil }}
	server := tier.NewServer(tier.ServerSettings{Ready: well, Grace: time.Second}, nothing, nothing, nothing, log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, on) }()
	c, err := tier.Dial(tier.ClientSettings{Servers: []string{on.Addr().String()}, NewID: newID}, log)
	if err != nil {
		b.Fatal(err)
	}
	call := func() {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		_, err := c.Register(ctx, registration.Request{Username: "amina", Email: "amina@example.com", Password: "velvet-anchor-tuesday", FirstName: "Amina", MobileNumber: "+966512345678", Locale: "en"})
		if err != nil {
			b.Error(err)
		}
	}
	b.Run("one caller", func(b *testing.B) {
		for b.Loop() {
			call()
		}
	})
	b.Run("many callers", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				call()
			}
		})
	})
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
