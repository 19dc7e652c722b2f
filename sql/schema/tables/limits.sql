-- Limits on the rate or the concurrency of jobs. A claim locks the rows of the limits that it touches, so claims under one
-- limit are serialized. `turn` shows a claim that another one committed between its snapshot and its lock; it then takes
-- nothing under that limit and retries. Settlements never touch these rows: concurrency is counted from active jobs, so a
-- slot is freed when its lease is.
CREATE TABLE limits (
    name        text             PRIMARY KEY CONSTRAINT limit_name_has_1_to_200_characters CHECK (char_length(name) BETWEEN 1 AND 200),
    scope       text             NOT NULL CONSTRAINT limit_scope_is_known CHECK (scope IN ('global', 'queue', 'kind', 'tenant')),
    value       text,                                          -- name of the queue, kind or tenant
    mode        text             NOT NULL CONSTRAINT limit_mode_is_known CHECK (mode IN ('rate', 'concurrency')),
    most        integer          NOT NULL CONSTRAINT limit_is_not_negative CHECK (most >= 0),
    span        double precision CONSTRAINT limit_window_is_positive CHECK (span > 0 AND span < 'Infinity'),   -- rate: window in seconds
    burst       integer          CONSTRAINT limit_burst_is_positive CHECK (burst > 0),         -- rate: capacity of the token bucket
    enabled     boolean          NOT NULL DEFAULT true,
    tokens      double precision NOT NULL CONSTRAINT limit_tokens_are_finite CHECK (tokens >= 0 AND tokens < 'Infinity'),
    refilled_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    turn        bigint           NOT NULL DEFAULT 0,
    actor       text             NOT NULL,
    updated_at  timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT only_the_global_scope_has_no_value CHECK ((scope = 'global') = (value IS NULL)),
    CONSTRAINT a_rate_has_a_window_and_a_burst CHECK ((mode = 'rate') = (span IS NOT NULL) AND (mode = 'rate') = (burst IS NOT NULL))
) WITH (fillfactor = 50);
