-- +goose Up

-- The place of an event in the feed that is read from the database where there
-- are no brokers; NULL until somebody looks at it. Places are given out in the
-- order in which events are committed.
ALTER TABLE events ADD COLUMN IF NOT EXISTS sequence BIGINT;

CREATE INDEX IF NOT EXISTS ix_events_sequence ON events (sequence, position);

-- One row: the last place that was given out, and the last of those whose events
-- are not kept any more.
CREATE TABLE IF NOT EXISTS event_feed (
    id      BIGINT NOT NULL PRIMARY KEY,
    latest  BIGINT NOT NULL,
    dropped BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS event_feed;
DROP INDEX IF EXISTS ix_events_sequence ON events;
ALTER TABLE events DROP COLUMN sequence;
