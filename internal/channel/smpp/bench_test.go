package smpp_test

import (
	"fmt"
	"sync"
	"testing"

	"registrar/internal/channel/smpp"
	"registrar/internal/devstack"
)

// BenchmarkSend is one message over one bind against npm's smpp, with as many
// at once as the window has places.
func BenchmarkSend(b *testing.B) {
	for _, window := range []int{1, 10, 50} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			s := newSender(b, startSMSC(b, devstack.SMSCOptions{}), smpp.Config{Window: window})
			send(b, s, "")
			m := messageOf("123456 is your code.")
			var sending sync.WaitGroup
			messages := make(chan struct{})
			b.ResetTimer()
			for range window {
				sending.Go(func() {
					for range messages {
						if _, err := s.Send(b.Context(), m); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for range b.N {
				messages <- struct{}{}
			}
			close(messages)
			sending.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
