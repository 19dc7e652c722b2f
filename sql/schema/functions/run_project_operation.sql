-- Starts an operation on a project for an application, and raises PV003 or PV004 if that is not possible.
CREATE OR REPLACE FUNCTION run_project_operation(verb text, project uuid, reason text, deadline interval, max_attempts integer, actor text)
RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    job       uuid := uuid_v7();
    operation record;
BEGIN
    SELECT * INTO operation
    FROM begin_project_operation(verb, project, job, extract(epoch FROM deadline)::float8, max_attempts, actor, reason, NULL, true, NULL);
    IF operation IS NULL THEN
        RAISE EXCEPTION 'there is no project %', project USING ERRCODE = 'PV004';
    ELSIF NOT operation.changed THEN
        RAISE EXCEPTION 'cannot % project %: it is %', verb, project, operation.previous_status USING ERRCODE = 'PV003';
    END IF;
    RETURN job;
END $$;
