-- Locks the unfinished job of a project, if any, and then the project: the order in which all statements lock them. Returns a row
-- of nulls without such a project. If the job changed meanwhile, the statement fails with 40001 and is sent again.
CREATE OR REPLACE FUNCTION lock_project(project uuid) RETURNS projects
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    job     uuid;
    current projects;
BEGIN
    SELECT j.id INTO job FROM jobs j
    WHERE j.project_id = project AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying') FOR UPDATE;
    SELECT * INTO current FROM projects p WHERE p.id = project FOR UPDATE;
    IF EXISTS (SELECT FROM jobs j WHERE j.project_id = project AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
                                    AND j.id IS DISTINCT FROM job) THEN
        RAISE EXCEPTION 'another operation on project % has just started', project USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN current;
END $$;
