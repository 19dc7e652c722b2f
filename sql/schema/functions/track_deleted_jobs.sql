-- Counts deleted jobs.
CREATE OR REPLACE FUNCTION track_deleted_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.job_counts SELECT queue, kind, state, -count(*) FROM old_rows GROUP BY queue, kind, state;
    RETURN NULL;
END $$;
