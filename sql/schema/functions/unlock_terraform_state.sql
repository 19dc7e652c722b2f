-- Removes the lock of a state. `lock` is the id of the lock, or null for any. An attempt removes only its own; what somebody else
-- removes by force, or from an attempt, is recorded. Locks the job of the attempt, then the project. `outcome` is unlocked, held or
-- lease_lost; no lock is unlocked too, because a request can be repeated. Returns no row without such a project.
CREATE OR REPLACE FUNCTION unlock_terraform_state(
    project uuid, execution uuid, lock text, is_forced boolean, actor text, request_id text
) RETURNS TABLE (outcome text, holder text)
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
        WHEN held.lock_id IS NULL THEN 'unlocked'
        WHEN lock <> held.lock_id OR execution IS NOT NULL AND held.execution_id IS DISTINCT FROM execution THEN 'held'
        ELSE 'unlocked' END;
    IF outcome = 'unlocked' AND held.lock_id IS NOT NULL THEN
        DELETE FROM terraform_locks l WHERE l.project_id = project AND l.lock_id = held.lock_id;
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, detail)
        SELECT 'project', project, current.status, current.status,
               concat_ws(' ', 'Terraform state unlocked by force; the lock was held by', coalesce(nullif(held.info ->> 'Who', ''), held.actor)),
               actor, request_id, json_build_object('lock', held.lock_id, 'held_by', held.execution_id)
        WHERE is_forced OR held.execution_id IS DISTINCT FROM execution;
    END IF;
    RETURN QUERY SELECT outcome, held.info::text WHERE current.id IS NOT NULL;
END $$;
