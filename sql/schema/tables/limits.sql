-- Limits on the rate or the concurrency of jobs. A claim locks the rows of the limits that it touches, so claims under one
-- limit are serialized. `revision` shows a claim that another one committed between its snapshot and its lock; it then takes
-- nothing under that limit and retries. Settlements never touch these rows: concurrency is counted from active jobs, so a
-- slot is freed when its lease is.
CREATE TABLE limits (
    name        text             PRIMARY KEY CHECK (char_length(name) BETWEEN 1 AND 200),
    scope       text             NOT NULL CHECK (scope IN ('global', 'queue', 'kind', 'tenant')),
    value       text,                                          -- name of the queue, kind or tenant
    mode        text             NOT NULL CHECK (mode IN ('rate', 'concurrency')),
    amount      integer          NOT NULL CHECK (amount >= 0),
    window_s    double precision CHECK (window_s > 0 AND window_s < 'Infinity'),   -- rate: window in seconds
    burst       integer          CHECK (burst > 0),         -- rate: capacity of the token bucket
    enabled     boolean          NOT NULL DEFAULT true,
    tokens      double precision NOT NULL CHECK (tokens >= 0 AND tokens < 'Infinity'),
    refilled_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    revision    bigint           NOT NULL DEFAULT 0,
    actor       text             NOT NULL,
    updated_at  timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT limits_value_check CHECK ((scope = 'global') = (value IS NULL)),
    CONSTRAINT limits_rate_check CHECK ((mode = 'rate') = (window_s IS NOT NULL) AND (mode = 'rate') = (burst IS NOT NULL))
) WITH (fillfactor = 50);
