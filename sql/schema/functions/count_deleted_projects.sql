-- Counts deleted projects.
CREATE OR REPLACE FUNCTION count_deleted_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_counts SELECT status, -count(*) FROM old_rows GROUP BY status;
    RETURN NULL;
END $$;
