-- Records that a state was deleted. Its earlier versions stay. Locks the job of the attempt, then the project. `outcome` is removed,
-- held (by another lock) or lease_lost. Returns no row without such a project.
CREATE OR REPLACE FUNCTION remove_terraform_state(project uuid, execution uuid, actor text, request_id text)
RETURNS TABLE (outcome text, holder text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    state record;
BEGIN
    SELECT * INTO state FROM open_terraform_state(project, execution);
    outcome := CASE
        WHEN NOT state.may_use THEN 'lease_lost'
        WHEN (state.held).lock_id IS NOT NULL AND (execution IS NULL OR (state.held).execution_id IS DISTINCT FROM execution) THEN 'held'
        ELSE 'removed' END;
    IF outcome = 'removed' AND (state.latest).secret_id IS NOT NULL THEN
        INSERT INTO terraform_states (project_id, version, secret_id, serial, lineage, digest, bytes, actor, execution_id)
        VALUES (project, (state.latest).version + 1, NULL, (state.latest).serial, (state.latest).lineage, '', 0, actor, execution);
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, execution_id, request_id)
        VALUES ('project', project, (state.owner).status, (state.owner).status, 'Terraform state deleted', actor, execution, request_id);
    END IF;
    RETURN QUERY SELECT outcome, (state.held).info::text WHERE (state.owner).id IS NOT NULL;
END $$;
