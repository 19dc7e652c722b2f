-- Store log lines of an attempt, if it is the current one of its job and within its volume. The first line beyond the volume
-- is replaced by a notice; nothing is stored after it.
-- $1 execution  $2 its job, or null  $3 lines  $4 the stream of each  $5 max lines  $6 max bytes
WITH current AS MATERIALIZED (
    SELECT j.id AS job_id, j.execution_id FROM jobs j
    WHERE j.state = 'active' AND j.worker_id IS NOT NULL AND j.execution_id = $1::uuid AND ($2::uuid IS NULL OR j.id = $2)
), stored AS MATERIALIZED (
    SELECT count(*) AS lines, coalesce(sum(octet_length(line)), 0) AS bytes, coalesce(bool_or(stream = 'provost'), false) AS is_full
    FROM execution_logs WHERE execution_id = $1
), requested AS MATERIALIZED (
    SELECT l.line, l.stream, l.ordinal,
           stored.lines + l.ordinal <= $5::bigint AND stored.bytes + sum(octet_length(l.line)) OVER (ORDER BY l.ordinal) <= $6::bigint AS fits
    FROM stored CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS l (line, stream, ordinal)
    WHERE NOT stored.is_full
), boundary AS (
    SELECT coalesce(min(ordinal) FILTER (WHERE NOT fits), 1 + count(*)) AS first_out, count(*) FILTER (WHERE NOT fits) AS out FROM requested
), inserted AS (
    INSERT INTO execution_logs (execution_id, job_id, at, stream, line)
    SELECT current.execution_id, current.job_id, clock_timestamp(), accepted.stream, accepted.line
    FROM current CROSS JOIN (
        SELECT ordinal, stream, line FROM requested, boundary WHERE ordinal < first_out
        UNION ALL
        SELECT first_out, 'provost', format('log truncated: this attempt wrote more than %s lines or %s bytes', $5, $6)
        FROM boundary WHERE out > 0
    ) AS accepted
    ORDER BY accepted.ordinal
    RETURNING stream
)
SELECT EXISTS (SELECT FROM current) AS is_current, (SELECT count(*) FROM inserted WHERE stream <> 'provost') AS inserted
