-- Locks the state of a project, for an attempt or for somebody else (`execution` is null). Locks the job of the attempt, then the
-- project. `outcome` is locked, held (by another), deleted or lease_lost; `holder` describes the holder. A repeated request is locked
-- again. Returns no row without such a project.
CREATE OR REPLACE FUNCTION lock_terraform_state(project uuid, execution uuid, lock text, info text, actor text)
RETURNS TABLE (outcome text, holder text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    state record;
BEGIN
    SELECT * INTO state FROM open_terraform_state(project, execution);
    outcome := CASE
        WHEN NOT state.may_use THEN 'lease_lost'
        WHEN (state.owner).status = 'deleted' THEN 'deleted'
        WHEN (state.held).lock_id IS NULL OR (state.held).lock_id = lock AND (state.held).execution_id IS NOT DISTINCT FROM execution THEN 'locked'
        ELSE 'held' END;
    IF outcome = 'locked' AND (state.owner).id IS NOT NULL THEN
        INSERT INTO terraform_locks (project_id, lock_id, info, execution_id, actor)
        VALUES (project, lock, info::json, execution, actor) ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT outcome, (state.held).info::text WHERE (state.owner).id IS NOT NULL;
END $$;
