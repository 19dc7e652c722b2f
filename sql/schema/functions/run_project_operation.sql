-- Starts an operation on a project for an application, and raises PV003 or PV004 if that is not possible. Returns the job that the
-- project waits for; null if there is none, as when a deleted project is deleted again.
CREATE OR REPLACE FUNCTION run_project_operation(verb text, project uuid, reason text, deadline interval, max_attempts integer, actor text, grace interval DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    job       uuid := uuid_v7();
    operation record;
BEGIN
    SELECT * INTO operation
    FROM begin_project_operation(verb, project, job, extract(epoch FROM deadline)::float8, max_attempts, actor, reason, NULL, true, NULL, NULL,
                                 extract(epoch FROM grace)::float8);
    IF operation IS NULL THEN
        RAISE EXCEPTION 'there is no project %', project USING ERRCODE = 'PV004';
    ELSIF operation.outcome NOT IN ('started', 'requested', 'changed', 'unchanged') THEN
        RAISE EXCEPTION 'cannot % project %: it is %', verb, project,
            CASE operation.outcome WHEN 'protected' THEN operation.outcome ELSE operation.previous_status END USING ERRCODE = 'PV003';
    END IF;
    RETURN (SELECT j.id FROM jobs j WHERE j.project_id = project AND j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying'));
END $$;
