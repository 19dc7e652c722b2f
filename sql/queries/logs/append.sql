-- Keep what this execution wrote, if it is its job's current one, and if it has not written too much already. The first line that
-- is too much is replaced by one that says so; after it nothing is kept.
-- $1 execution  $2 its job, or null  $3 lines  $4 the stream of each  $5 how many lines at most  $6 how many bytes at most
WITH current AS MATERIALIZED (
    SELECT j.id AS job_id, j.execution_id FROM jobs j
    WHERE j.state = 'active' AND j.worker_id IS NOT NULL AND j.execution_id = $1::uuid AND ($2::uuid IS NULL OR j.id = $2)
), so_far AS MATERIALIZED (
    SELECT count(*) AS lines, coalesce(sum(octet_length(line)), 0) AS bytes, coalesce(bool_or(stream = 'provost'), false) AS is_full
    FROM execution_logs WHERE execution_id = $1
), asked AS MATERIALIZED (
    SELECT l.line, l.stream, l.place,
           so_far.lines + l.place <= $5::bigint AND so_far.bytes + sum(octet_length(l.line)) OVER (ORDER BY l.place) <= $6::bigint AS fits
    FROM so_far CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS l (line, stream, place)
    WHERE NOT so_far.is_full
), upto AS (
    SELECT coalesce(min(place) FILTER (WHERE NOT fits), 1 + count(*)) AS first_out, count(*) FILTER (WHERE NOT fits) AS out FROM asked
), kept AS (
    INSERT INTO execution_logs (execution_id, job_id, at, stream, line)
    SELECT current.execution_id, current.job_id, clock_timestamp(), wanted.stream, wanted.line
    FROM current CROSS JOIN (
        SELECT place, stream, line FROM asked, upto WHERE place < first_out
        UNION ALL
        SELECT first_out, 'provost', format('nothing more is kept of this execution: it wrote more than %s lines or %s bytes', $5, $6)
        FROM upto WHERE out > 0
    ) AS wanted
    ORDER BY wanted.place
    RETURNING stream
)
SELECT EXISTS (SELECT FROM current) AS is_current, (SELECT count(*) FROM kept WHERE stream <> 'provost') AS kept
