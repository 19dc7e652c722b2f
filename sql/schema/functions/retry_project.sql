-- Retries a failed project. Returns the id of its job.
CREATE OR REPLACE FUNCTION retry_project(
    project uuid, reason text DEFAULT NULL, deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT run_project_operation('retry', project, reason, deadline, max_attempts, actor)
$$;
