-- Starts a workflow: its row, its steps (as in enqueue_jobs) and the events, all of it or nothing. If the idempotency key is in
-- use, returns the existing workflow; a concurrent call with the same key waits here. Raises PV002 for a different request.
CREATE OR REPLACE FUNCTION start_workflow(
    new_id uuid, name text, tenant text, steps json, actor text, request_id text, notify boolean, key text DEFAULT NULL, hash text DEFAULT NULL
) RETURNS TABLE (workflow_id uuid, is_new boolean) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    at   timestamptz := clock_timestamp();
    existing record;
BEGIN
    INSERT INTO workflows (id, state, name, tenant, steps, blocked, idempotency_key, request_hash, actor, created_at, updated_at)
    SELECT new_id, 'running', name, tenant, count(*), count(*) FILTER (WHERE json_array_length(step -> 'depends_on') > 0), key, hash, actor, at, at
    FROM json_array_elements(steps) AS step
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT w.id, w.request_hash INTO existing FROM workflows w WHERE w.tenant = start_workflow.tenant AND w.idempotency_key = key;
        IF existing.request_hash IS DISTINCT FROM hash THEN
            RAISE EXCEPTION 'this idempotency key was already used for a different request' USING ERRCODE = 'PV002';
        END IF;
        RETURN QUERY SELECT existing.id, false;
        RETURN;
    END IF;
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, request_id, occurred_at)
    VALUES ('workflow', new_id, 'none', 'running', actor, request_id, at);
    PERFORM enqueue_jobs(steps, actor, request_id, notify);
    RETURN QUERY SELECT new_id, true;
END $$;
