-- Starts deleting a project. Returns the id of its job. Until the grace time is over, the project can be restored; null: as the
-- template says.
CREATE OR REPLACE FUNCTION delete_project(
    project uuid, reason text DEFAULT NULL, deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql',
    grace interval DEFAULT NULL
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT run_project_operation('delete', project, reason, deadline, max_attempts, actor, grace)
$$;
