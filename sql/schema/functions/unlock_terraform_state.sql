-- Removes the lock of a state. `lock` is the id of the lock, or null for any. An attempt removes only its own; what somebody else
-- removes by force, or from an attempt, is recorded. Locks the job of the attempt, then the project. `outcome` is unlocked, held or
-- lease_lost; no lock is unlocked too, because a request can be repeated. Returns no row without such a project.
CREATE OR REPLACE FUNCTION unlock_terraform_state(
    project uuid, execution uuid, lock text, is_forced boolean, actor text, request_id text
) RETURNS TABLE (outcome text, holder text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    state record;
BEGIN
    SELECT * INTO state FROM open_terraform_state(project, execution);
    outcome := CASE
        WHEN NOT state.may_use THEN 'lease_lost'
        WHEN (state.held).lock_id IS NULL THEN 'unlocked'
        WHEN lock <> (state.held).lock_id OR execution IS NOT NULL AND (state.held).execution_id IS DISTINCT FROM execution THEN 'held'
        ELSE 'unlocked' END;
    IF outcome = 'unlocked' AND (state.held).lock_id IS NOT NULL THEN
        DELETE FROM terraform_locks l WHERE l.project_id = project AND l.lock_id = (state.held).lock_id;
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, detail)
        SELECT 'project', project, (state.owner).status, (state.owner).status,
               concat_ws(' ', 'Terraform state unlocked by force; the lock was held by', coalesce(nullif((state.held).info ->> 'Who', ''), (state.held).actor)),
               actor, request_id, json_build_object('lock', (state.held).lock_id, 'held_by', (state.held).execution_id)
        WHERE is_forced OR (state.held).execution_id IS DISTINCT FROM execution;
    END IF;
    RETURN QUERY SELECT outcome, (state.held).info::text WHERE (state.owner).id IS NOT NULL;
END $$;
