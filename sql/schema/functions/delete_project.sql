-- Answers with the id of the job that does it.
CREATE OR REPLACE FUNCTION delete_project(
    project uuid, reason text DEFAULT NULL, deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT operate('delete', project, reason, deadline, max_attempts, actor)
$$;
