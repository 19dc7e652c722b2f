CREATE OR REPLACE FUNCTION tally_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', ended_at), queue, kind, outcome, provost.bucket_of(ms), count(*), sum(ms)
    FROM fresh CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM ended_at - claimed_at) * 1000, 0)::bigint) AS took (ms)
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
