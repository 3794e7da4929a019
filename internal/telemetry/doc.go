// Package telemetry is what an operator sees of the service: logs that carry
// the correlation id of the request they belong to, Prometheus metrics, and
// health.
//
// To be relied on: no label, log field or health text made here holds a value
// of a request. What others put into a log message is theirs to watch.
package telemetry
