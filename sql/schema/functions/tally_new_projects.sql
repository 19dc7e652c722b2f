CREATE OR REPLACE FUNCTION tally_new_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_tallies SELECT status, count(*) FROM fresh GROUP BY status;
    RETURN NULL;
END $$;
