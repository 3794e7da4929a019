-- +goose Up

-- The local inbox: what people would have received, where no provider is
-- configured.
CREATE TABLE IF NOT EXISTS inbox_messages (
    id         BINARY(16)   NOT NULL PRIMARY KEY,
    channel    VARCHAR(16)  NOT NULL,
    recipient  VARCHAR(254) NOT NULL,
    name       VARCHAR(128) NOT NULL,
    locale     VARCHAR(64)  NOT NULL,
    subject    VARCHAR(998) NOT NULL,
    body_text  MEDIUMTEXT   NOT NULL,
    body_html  MEDIUMTEXT   NOT NULL,
    created_at BIGINT       NOT NULL,
    opened     BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_inbox_messages_created ON inbox_messages (created_at, id);

-- +goose Down
DROP TABLE IF EXISTS inbox_messages;
