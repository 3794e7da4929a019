-- +goose Up

-- Marketing campaigns. segment, quiet_hours, frequency_cap and excluded are
-- JSON of the program's. position is the last account that was looked at, in
-- the order of the accounts' ids: who was chosen before it is in
-- notifications. swept is the last of these in the order of their ids that a
-- sweep over all of them has come to.
CREATE TABLE IF NOT EXISTS campaigns (
    id            BINARY(16)    NOT NULL PRIMARY KEY,
    name          VARBINARY(64) NOT NULL,
    channel       VARCHAR(16)   NOT NULL,
    template      VARCHAR(64)   NOT NULL,
    segment       VARCHAR(2048) NOT NULL,
    quiet_hours   VARCHAR(255)  NOT NULL,
    frequency_cap VARCHAR(255)  NOT NULL,
    life          BIGINT        NOT NULL,
    state         VARCHAR(16)   NOT NULL,
    position      BINARY(16),
    swept         BINARY(16),
    accounts      BIGINT        NOT NULL,
    looked_at     BIGINT        NOT NULL,
    chosen        BIGINT        NOT NULL,
    excluded      VARCHAR(1024) NOT NULL,
    created_at    BIGINT        NOT NULL,
    started_at    BIGINT        NOT NULL,
    fed_at        BIGINT        NOT NULL,
    ended_at      BIGINT        NOT NULL,
    deadline      BIGINT        NOT NULL,
    revision      BIGINT        NOT NULL,
    CONSTRAINT uq_campaigns_name UNIQUE (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS campaigns;
