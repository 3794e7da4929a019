package store

import (
	"context"
	"errors"
)

// compound is a whole transaction as one compound statement (MariaDB's BEGIN NOT
// ATOMIC), which saves a round trip for each statement in it. The server
// executes them in their order, and none after one that fails: COMMIT, the last,
// only where all before have succeeded. How one has failed is known, and not
// which.
//
// Statements side by side in one message (CLIENT_MULTI_STATEMENTS) would be no
// substitute: where the cluster takes a transaction back for another node's in
// the middle of them, the server goes on with the next one, for itself, and
// tells nobody.
type compound struct {
	text   statement
	values []any
}

const (
	compoundBegin = "BEGIN NOT ATOMIC\n"
	compoundEnd   = ";\nEND"
	between       = ";\n" // none of the statements has it inside
)

func (c *compound) add(text statement, values []any) {
	if c.text == "" {
		c.text = compoundBegin
	} else {
		c.text += between
	}
	c.text += text
	c.values = append(c.values, values...)
}

// execute sends all that was added, with COMMIT behind it.
func (c *compound) execute(ctx context.Context, s *session) error {
	c.add("COMMIT", nil)
	return s.run(ctx, c.text+compoundEnd, c.values...)
}

// errAtOnce is a fault of ours: work that goes at once has asked for an answer.
var errAtOnce = errors.New("store: an answer is asked for in a transaction that goes at once")
