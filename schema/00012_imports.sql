-- +goose Up

-- How far the imports of other systems' tables are; id is the hash of the caller
-- and the source. position is the source's own, behind the last batch that is
-- stored: it is written in the batch's transaction. It holds for the mapping and
-- the file whose hash is fingerprint. tally is JSON of the program's. revision is
-- new with each change.
CREATE TABLE IF NOT EXISTS imports (
    id           BINARY(32)      NOT NULL PRIMARY KEY,
    caller       VARBINARY(64)   NOT NULL,
    source       VARCHAR(2048)   NOT NULL,
    fingerprint  BINARY(32)      NOT NULL,
    state        VARCHAR(16)     NOT NULL,
    position     VARBINARY(2048) NOT NULL,
    rows_read    BIGINT          NOT NULL,
    rows_stored  BIGINT          NOT NULL,
    rows_present BIGINT          NOT NULL,
    rows_refused BIGINT          NOT NULL,
    done         BIGINT          NOT NULL,
    total        BIGINT          NOT NULL,
    tally        MEDIUMTEXT      NOT NULL,
    rejects      VARCHAR(2048)   NOT NULL,
    rejects_size BIGINT          NOT NULL,
    started_at   BIGINT          NOT NULL,
    updated_at   BIGINT          NOT NULL,
    ended_at     BIGINT          NOT NULL,
    revision     BINARY(16)      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS imports;
