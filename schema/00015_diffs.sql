-- +goose Up

-- How far the comparisons of other systems' tables with the accounts are; id is
-- the hash of the caller and the source. position is that of the phase, and
-- progress JSON of the program's. revision is new with each change.
CREATE TABLE IF NOT EXISTS diffs (
    id          BINARY(32)      NOT NULL PRIMARY KEY,
    caller      VARBINARY(64)   NOT NULL,
    source      VARCHAR(2048)   NOT NULL,
    fingerprint BINARY(32)      NOT NULL,
    phase       VARCHAR(16)     NOT NULL,
    position    VARBINARY(2048) NOT NULL,
    progress    MEDIUMTEXT      NOT NULL,
    started_at  BIGINT          NOT NULL,
    updated_at  BIGINT          NOT NULL,
    ended_at    BIGINT          NOT NULL,
    revision    BINARY(16)      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What they have found: in which fields somebody differs, and by no value.
CREATE TABLE IF NOT EXISTS diff_findings (
    diff_id BINARY(32)     NOT NULL,
    kind    VARBINARY(16)  NOT NULL,
    item    VARBINARY(256) NOT NULL,
    fields  VARCHAR(512)   NOT NULL,
    PRIMARY KEY (diff_id, kind, item)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS diff_findings;
DROP TABLE IF EXISTS diffs;
