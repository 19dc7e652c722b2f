-- Whether a project whose operation has ended in this status has something that a deletion can keep for a while: it works, or it was ready once and no
-- removal has begun.
CREATE OR REPLACE FUNCTION can_be_restored(project projects, status text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT can_be_restored.status IN ('ready', 'paused')
       OR can_be_restored.status = 'failed' AND project.operation <> 'delete' AND EXISTS (SELECT FROM outputs o WHERE o.project_id = project.id)
$$;
