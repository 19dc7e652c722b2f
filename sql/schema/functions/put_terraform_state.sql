-- Stores a new version of a state, encrypted. The caller names the lock that it holds (`lock`), or none if there is none. Locks the
-- job of the attempt, then the project.
--
-- `outcome` is stored, unchanged (the same content is there), held (by another lock), unlocked_meanwhile (the lock of the caller is gone),
-- lineage (the state has another origin), serial (the caller has not read the newest version), deleted or lease_lost. `newest` is the
-- serial of the newest version. Returns no row without such a project.
CREATE OR REPLACE FUNCTION put_terraform_state(
    project uuid, execution uuid, lock text, serial bigint, lineage text, digest text, bytes integer,
    secret uuid, key_id text, wrapped_key bytea, ciphertext bytea, actor text
) RETURNS TABLE (outcome text, holder text, newest bigint)
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
        WHEN current.status = 'deleted' THEN 'deleted'
        WHEN held.lock_id IS NULL AND lock IS NOT NULL THEN 'unlocked_meanwhile'
        WHEN held.lock_id IS DISTINCT FROM lock OR held.lock_id IS NOT NULL AND held.execution_id IS DISTINCT FROM execution THEN 'held'
        WHEN latest.secret_id IS NULL THEN 'stored'
        WHEN latest.lineage <> lineage THEN 'lineage'
        WHEN serial = latest.serial AND digest = latest.digest THEN 'unchanged'
        WHEN serial <= latest.serial THEN 'serial'
        ELSE 'stored' END;
    IF outcome = 'stored' AND current.id IS NOT NULL THEN
        INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext)
        VALUES (secret, project, 'terraform-state/' || secret, key_id, wrapped_key, ciphertext);
        INSERT INTO terraform_states (project_id, version, secret_id, serial, lineage, digest, bytes, actor, execution_id)
        VALUES (project, coalesce(latest.version, 0) + 1, secret, serial, lineage, digest, bytes, actor, execution);
    END IF;
    RETURN QUERY SELECT outcome, held.info::text, latest.serial WHERE current.id IS NOT NULL;
END $$;
