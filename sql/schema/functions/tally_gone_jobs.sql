CREATE OR REPLACE FUNCTION tally_gone_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.job_tallies SELECT queue, kind, state, -count(*) FROM stale GROUP BY queue, kind, state;
    RETURN NULL;
END $$;
