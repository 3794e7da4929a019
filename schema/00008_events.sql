-- +goose Up

-- Events for other systems that no broker has yet.
CREATE TABLE IF NOT EXISTS events (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    type         VARCHAR(64)  NOT NULL,
    subject      BINARY(16)   NOT NULL,
    trace_parent VARCHAR(64)  NOT NULL,
    data         MEDIUMTEXT   NOT NULL,
    created_at   BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS events;
