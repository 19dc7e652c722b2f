-- Locks the state of a project, for an attempt or for somebody else (`execution` is null). Locks the job of the attempt, then the
-- project. `outcome` is locked, held (by another), deleted or lease_lost; `holder` describes the holder. A repeated request is locked
-- again. Returns no row without such a project.
CREATE OR REPLACE FUNCTION lock_terraform_state(project uuid, execution uuid, lock text, info text, actor text)
RETURNS TABLE (outcome text, holder text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    may_use boolean := may_use_terraform_state(project, execution);
    current projects;
    held    terraform_locks;
BEGIN
    SELECT * INTO current FROM projects p WHERE p.id = project FOR NO KEY UPDATE;
    SELECT * INTO held FROM terraform_locks l WHERE l.project_id = project;
    outcome := CASE
        WHEN NOT may_use THEN 'lease_lost'
        WHEN current.status = 'deleted' THEN 'deleted'
        WHEN held.lock_id IS NULL OR held.lock_id = lock AND held.execution_id IS NOT DISTINCT FROM execution THEN 'locked'
        ELSE 'held' END;
    IF outcome = 'locked' AND current.id IS NOT NULL THEN
        INSERT INTO terraform_locks (project_id, lock_id, info, execution_id, actor)
        VALUES (project, lock, info::json, execution, actor) ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT outcome, held.info::text WHERE current.id IS NOT NULL;
END $$;
