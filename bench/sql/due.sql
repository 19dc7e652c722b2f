-- Scheduled jobs: spread evenly over $3 seconds, beginning in $2 seconds, numbered from 0. Returns the seconds until the first.
WITH clock AS MATERIALIZED (SELECT clock_timestamp() + $2::float8 * interval '1 second' AS first), made AS (
    SELECT e.ordinal
    FROM clock CROSS JOIN (
        SELECT json_agg(json_build_object('id', uuid_v7(), 'kind', 'bench', 'queue', 'bench', 'payload', json_build_object('i', i)::text,
                                          'run_at', clock.first + i * ($3::float8 / $1::bigint) * interval '1 second') ORDER BY i) AS all
        FROM clock CROSS JOIN generate_series(0, $1::bigint - 1) AS i
    ) AS wanted CROSS JOIN LATERAL enqueue_jobs(wanted.all, 'bench', NULL, true) AS e
)
SELECT extract(epoch FROM (SELECT first FROM clock) - clock_timestamp())::float8 AS first FROM (SELECT count(*) FROM made) AS done
