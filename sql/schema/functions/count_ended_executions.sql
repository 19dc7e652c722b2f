-- Adds ended attempts to the statistics.
CREATE OR REPLACE FUNCTION count_ended_executions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.work_stats
    SELECT date_trunc('minute', ended_at), queue, kind, outcome, provost.histogram_bucket(ms), count(*), sum(ms)
    FROM new_rows CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM ended_at - claimed_at) * 1000, 0)::bigint) AS took (ms)
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
