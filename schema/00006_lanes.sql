-- +goose Up

-- The campaign that a notification is of; NULL for none.
ALTER TABLE notifications ADD COLUMN IF NOT EXISTS campaign_id BINARY(16);

CREATE INDEX IF NOT EXISTS ix_notifications_campaign ON notifications (campaign_id, id);

-- What is due is asked for lane by lane: a million rows of one must not stand
-- before a row of another.
CREATE INDEX IF NOT EXISTS ix_outbox_lane_due ON outbox (lane, due_at, notification_id);

DROP INDEX IF EXISTS ix_outbox_due ON outbox;

-- Which notification a provider's own message id stands for, until its
-- delivery receipt has come.
CREATE TABLE IF NOT EXISTS provider_messages (
    provider        VARBINARY(64)  NOT NULL,
    ref             VARBINARY(255) NOT NULL,
    notification_id BINARY(16)     NOT NULL,
    attempt         BIGINT         NOT NULL,
    created_at      BIGINT         NOT NULL,
    PRIMARY KEY (provider, ref)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_provider_messages_created ON provider_messages (created_at);
CREATE INDEX IF NOT EXISTS ix_provider_messages_notification ON provider_messages (notification_id);

-- Who is not written to any more, by the hash of the address or number. A
-- recipient has a row for each reason: one that ends leaves the others.
CREATE TABLE IF NOT EXISTS suppressions (
    channel    VARBINARY(16) NOT NULL,
    recipient  BINARY(32)   NOT NULL,
    reason     VARBINARY(32) NOT NULL,
    detail     VARCHAR(255) NOT NULL,
    created_at BIGINT       NOT NULL,
    PRIMARY KEY (channel, recipient, reason)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Poisonous messages that somebody has decided on; the messages themselves are
-- in the dead-letter topic.
CREATE TABLE IF NOT EXISTS dead_letters (
    topic_partition BIGINT      NOT NULL,
    topic_offset    BIGINT      NOT NULL,
    written_at      BIGINT      NOT NULL,
    decision        VARCHAR(16) NOT NULL,
    decided_at      BIGINT      NOT NULL,
    PRIMARY KEY (topic_partition, topic_offset, written_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS dead_letters;
DROP TABLE IF EXISTS suppressions;
DROP TABLE IF EXISTS provider_messages;
CREATE INDEX IF NOT EXISTS ix_outbox_due ON outbox (due_at, notification_id);
DROP INDEX IF EXISTS ix_outbox_lane_due ON outbox;
DROP INDEX IF EXISTS ix_notifications_campaign ON notifications;
ALTER TABLE notifications DROP COLUMN campaign_id;
