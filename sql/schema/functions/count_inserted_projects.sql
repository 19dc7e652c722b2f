-- Counts new projects.
CREATE OR REPLACE FUNCTION count_inserted_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provost.project_counts SELECT status, count(*) FROM new_rows GROUP BY status;
    RETURN NULL;
END $$;
