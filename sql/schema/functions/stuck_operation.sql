-- The job of the last operation on a project if the undoing of one of its steps failed; null otherwise.
CREATE OR REPLACE FUNCTION stuck_operation(project uuid) RETURNS uuid LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT s.job_id FROM steps s
WHERE s.project_id = project AND s.state = 'undo_failed'
  AND NOT EXISTS (SELECT FROM steps n WHERE n.project_id = project AND n.job_id > s.job_id)
  AND NOT EXISTS (SELECT FROM jobs j WHERE j.project_id = project AND j.id > s.job_id)
LIMIT 1
$$;
