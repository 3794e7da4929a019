package queue

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// retention is how long a topic keeps messages for certain, as the brokers say: 0
// where it is not known, as for a topic that is bounded by size, or where the
// brokers do not let us ask.
func (c *Client) retention(ctx context.Context, topic string) (time.Duration, error) {
	answer, err := c.kafka.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms", "retention.bytes"}},
	}})
	if err != nil {
		return 0, err
	}
	kept := time.Duration(0)
	for _, r := range answer.Resources {
		if r.Error != nil {
			if errors.Is(r.Error, kafka.TopicAuthorizationFailed) || errors.Is(r.Error, kafka.ClusterAuthorizationFailed) {
				return 0, nil
			}
			return 0, r.Error
		}
		for _, entry := range r.ConfigEntries {
			n, err := strconv.ParseInt(entry.ConfigValue, 10, 64)
			switch {
			case err != nil:
			case entry.ConfigName == "retention.bytes" && n >= 0:
				return 0, nil
			case entry.ConfigName == "retention.ms" && (n < 0 || n > math.MaxInt64/int64(time.Millisecond)):
				kept = math.MaxInt64
			case entry.ConfigName == "retention.ms":
				kept = time.Duration(n) * time.Millisecond
			}
		}
	}
	return kept, nil
}
