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
    state record;
BEGIN
    SELECT * INTO state FROM open_terraform_state(project, execution);
    outcome := CASE
        WHEN NOT state.may_use THEN 'lease_lost'
        WHEN (state.owner).status = 'deleted' THEN 'deleted'
        WHEN (state.held).lock_id IS NULL AND lock IS NOT NULL THEN 'unlocked_meanwhile'
        WHEN (state.held).lock_id IS DISTINCT FROM lock OR (state.held).lock_id IS NOT NULL AND (state.held).execution_id IS DISTINCT FROM execution THEN 'held'
        WHEN (state.latest).secret_id IS NULL THEN 'stored'
        WHEN (state.latest).lineage <> lineage THEN 'lineage'
        WHEN serial = (state.latest).serial AND digest = (state.latest).digest THEN 'unchanged'
        WHEN serial <= (state.latest).serial THEN 'serial'
        ELSE 'stored' END;
    IF outcome = 'stored' AND (state.owner).id IS NOT NULL THEN
        INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext)
        VALUES (secret, project, 'terraform-state/' || secret, key_id, wrapped_key, ciphertext);
        INSERT INTO terraform_states (project_id, version, secret_id, serial, lineage, digest, bytes, actor, execution_id)
        VALUES (project, coalesce((state.latest).version, 0) + 1, secret, serial, lineage, digest, bytes, actor, execution);
    END IF;
    RETURN QUERY SELECT outcome, (state.held).info::text, (state.latest).serial WHERE (state.owner).id IS NOT NULL;
END $$;
