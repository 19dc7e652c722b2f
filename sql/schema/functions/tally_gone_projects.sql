CREATE OR REPLACE FUNCTION tally_gone_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_tallies SELECT status, -count(*) FROM stale GROUP BY status;
    RETURN NULL;
END $$;
