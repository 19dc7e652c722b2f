-- Enqueues one job for an application. Returns its id. Applies the same validation as the HTTP API.
CREATE OR REPLACE FUNCTION enqueue(
    kind text, payload json DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 5, run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL, tenant text DEFAULT 'default',
    tags text[] DEFAULT '{}', idempotency_key text DEFAULT NULL, idempotency_window interval DEFAULT '15 minutes',
    backoff text DEFAULT NULL, deadline_at timestamptz DEFAULT NULL, actor text DEFAULT 'sql', depends_on uuid[] DEFAULT '{}',
    dependency_policy text DEFAULT 'block'
) RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    name_rule CONSTANT text := 'must have 1 to 128 characters out of A-Z a-z 0-9 . _ : / - and begin with a letter or digit';
    seconds   CONSTANT text := '[0-9]{1,7}(\.[0-9]+)?';
    problem   text := CASE
        WHEN is_valid_name(kind) IS NOT TRUE THEN 'kind ' || name_rule
        WHEN kind IN (SELECT o.job_kind FROM operation_kinds o) THEN 'kind is reserved for projects'
        WHEN NOT run_at < timestamptz '10000-01-01 00:00:00+00' THEN 'run_at must be before the year 10000'
        WHEN NOT deadline_at < timestamptz '10000-01-01 00:00:00+00' THEN 'deadline_at must be before the year 10000'
        WHEN NOT is_valid_name(coalesce(queue, 'default')) THEN 'queue ' || name_rule
        WHEN NOT is_valid_name(coalesce(tenant, 'default')) THEN 'tenant ' || name_rule
        WHEN NOT coalesce(priority, 5) BETWEEN 0 AND 9 THEN 'priority must be a whole number from 0 to 9; 9 runs first'
        WHEN NOT coalesce(max_attempts, 3) BETWEEN 1 AND 100 THEN 'max_attempts must be a whole number from 1 to 100'
        WHEN NOT (timeout > interval '0' AND timeout <= interval '30 days') THEN 'timeout must be greater than 0 and at most 30 days'
        WHEN run_at IS NOT NULL AND delay IS NOT NULL THEN 'delay cannot be given together with run_at'
        WHEN NOT delay BETWEEN interval '0' AND interval '360 days' THEN 'delay must be at most 360 days'
        WHEN octet_length(payload::text) > 262144 THEN 'payload must have at most 262144 bytes'
        WHEN cardinality(tags) > 32 OR EXISTS (SELECT FROM unnest(tags) AS tag WHERE (tag ~ '^[^[:cntrl:]]{1,64}$') IS NOT TRUE)
            THEN 'tags must be at most 32 words of 1 to 64 visible characters'
        WHEN idempotency_key !~ '^[^[:cntrl:]]{1,255}$' THEN 'idempotency_key must have 1 to 255 visible characters'
        WHEN NOT (idempotency_window > interval '0' AND idempotency_window <= interval '30 days')
            THEN 'idempotency_window must be greater than 0 and at most 30 days'
        WHEN backoff !~ format('^(exponential|linear|fixed) %s %s (full|none)$', seconds, seconds)
            THEN 'backoff must be a strategy, a base and a maximum in seconds, and full or none for jitter, like: fixed 10 60 none'
        WHEN cardinality(depends_on) > 1000 OR array_position(depends_on, NULL) IS NOT NULL
             OR (SELECT count(DISTINCT d) FROM unnest(depends_on) AS d) < cardinality(depends_on)
            THEN 'depends_on must be at most 1000 jobs, each named once'
        WHEN dependency_policy NOT IN ('block', 'allow_failed', 'cancel') THEN 'dependency_policy must be block, allow_failed or cancel'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The payload is stored as text. The cast rejects what clients cannot read, such as U+0000.
    PERFORM payload::jsonb;
    RETURN (SELECT e.job_id FROM enqueue_jobs(json_build_array(json_build_object(
        'id', uuid_v7(), 'kind', kind, 'queue', queue, 'tenant', tenant, 'tags', tags, 'priority', priority, 'payload', payload::text,
        'run_at', run_at, 'delay_s', extract(epoch FROM delay), 'max_attempts', max_attempts, 'timeout_s', extract(epoch FROM timeout),
        'deadline_at', deadline_at, 'backoff', backoff, 'idempotency_key', idempotency_key,
        'request_hash', md5(concat_ws(chr(31), payload::text, queue, priority, nullif(array_to_string(depends_on, ','), ''))),
        'window_s', extract(epoch FROM idempotency_window),
        'depends_on', depends_on, 'policies', array_fill(coalesce(dependency_policy, 'block'), ARRAY[cardinality(depends_on)])
    )), actor, NULL, true) AS e);
END $$;
