-- Whether a project whose operation has ended in this status has something that a deletion can keep for a while: it works, it is kept
-- already, or it worked once and no removal has begun. The step `reach` removes nothing.
CREATE OR REPLACE FUNCTION can_be_restored(project projects, status text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT can_be_restored.status IN ('ready', 'paused', 'pending_deletion')
       OR can_be_restored.status = 'failed' AND project.was_ready
          AND NOT (project.operation = 'delete' AND EXISTS (
              SELECT FROM steps s JOIN jobs j ON j.id = s.job_id
              WHERE s.project_id = project.id AND j.kind = 'project.deprovision' AND s.state <> 'skipped'
                AND s.name <> 'reach'))
$$;
