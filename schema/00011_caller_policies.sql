-- +goose Up

-- The caller is told nothing by which taken addresses differ from free ones.
ALTER TABLE callers ADD COLUMN IF NOT EXISTS enumeration_safe BIGINT NOT NULL DEFAULT 0;

-- The caller's registrations are checked and answered as if.
ALTER TABLE callers ADD COLUMN IF NOT EXISTS shadow BIGINT NOT NULL DEFAULT 0;

-- What registrations of callers in shadow mode came to here (ours) and at the
-- caller (theirs, '' where it did not say). refused is the elements and rules
-- that were broken, FIELD:RULE with commas between, and nothing of what was in
-- them. The id follows from the request's, so that a repeated one is there once.
CREATE TABLE IF NOT EXISTS shadow_comparisons (
    id          BINARY(16)     NOT NULL PRIMARY KEY,
    caller      VARBINARY(64)  NOT NULL,
    request_id  VARBINARY(256) NOT NULL,
    external_id VARBINARY(256) NOT NULL,
    ours        VARBINARY(32)  NOT NULL,
    theirs      VARBINARY(32)  NOT NULL,
    refused     VARCHAR(2048)  NOT NULL,
    compared_at BIGINT         NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_shadow_comparisons_compared ON shadow_comparisons (compared_at, id);

-- +goose Down
DROP TABLE IF EXISTS shadow_comparisons;
ALTER TABLE callers DROP COLUMN shadow;
ALTER TABLE callers DROP COLUMN enumeration_safe;
