-- +goose Up

-- Events for other systems that no broker has yet. position is when it
-- happened, but behind all of its subject that are here, whatever the servers'
-- clocks say: they are published in its order. subject is NULL for none.
CREATE TABLE IF NOT EXISTS events (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    position     BIGINT       NOT NULL,
    type         VARCHAR(64)  NOT NULL,
    subject      BINARY(16),
    happened_at  BIGINT       NOT NULL,
    trace_parent VARCHAR(64)  NOT NULL,
    data         MEDIUMTEXT   NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_events_position ON events (position, id);

CREATE INDEX IF NOT EXISTS ix_events_subject ON events (subject, position);

-- +goose Down
DROP TABLE IF EXISTS events;
