-- Records that a state was deleted. Its earlier versions stay. Locks the job of the attempt, then the project. `outcome` is removed,
-- held (by another lock) or lease_lost. Returns no row without such a project.
CREATE OR REPLACE FUNCTION remove_terraform_state(project uuid, execution uuid, actor text, request_id text)
RETURNS TABLE (outcome text, holder text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    may_use boolean := may_use_terraform_state(project, execution);
    current projects;
    held    terraform_locks;
    latest  terraform_states;
BEGIN
    SELECT * INTO current FROM projects p WHERE p.id = project FOR NO KEY UPDATE;
    SELECT * INTO held FROM terraform_locks l WHERE l.project_id = project;
    SELECT * INTO latest FROM terraform_states s WHERE s.project_id = project ORDER BY s.version DESC LIMIT 1;
    outcome := CASE
        WHEN NOT may_use THEN 'lease_lost'
        WHEN held.lock_id IS NOT NULL AND (execution IS NULL OR held.execution_id IS DISTINCT FROM execution) THEN 'held'
        ELSE 'removed' END;
    IF outcome = 'removed' AND latest.secret_id IS NOT NULL THEN
        INSERT INTO terraform_states (project_id, version, secret_id, serial, lineage, digest, bytes, actor, execution_id)
        VALUES (project, latest.version + 1, NULL, latest.serial, latest.lineage, '', 0, actor, execution);
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, execution_id, request_id)
        VALUES ('project', project, current.status, current.status, 'Terraform state deleted', actor, execution, request_id);
    END IF;
    RETURN QUERY SELECT outcome, held.info::text WHERE current.id IS NOT NULL;
END $$;
