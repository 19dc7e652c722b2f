-- Whether a caller may use the state of a project: an attempt (`execution`) only while it is the current one of the project's job.
-- Keeps the attempt from ending until the statement is over. Locks the job.
CREATE OR REPLACE FUNCTION may_use_terraform_state(project uuid, execution uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    IF execution IS NULL THEN
        RETURN true;
    END IF;
    PERFORM FROM jobs j WHERE j.project_id = project AND j.execution_id = execution AND j.state = 'active' FOR SHARE;
    RETURN FOUND;
END $$;
