-- Starts a workflow: its row, its steps (as enqueue_jobs reads them) and the record, all of it or nothing. Under a key that started one
-- before, the answer is that one; whoever comes at the same time waits here, and finds it.
CREATE OR REPLACE FUNCTION start_workflow(
    new_id uuid, name text, tenant text, steps json, actor text, request_id text, ring boolean, key text DEFAULT NULL, hash text DEFAULT NULL
) RETURNS TABLE (workflow_id uuid, is_new boolean) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    at   timestamptz := clock_timestamp();
    seen record;
BEGIN
    INSERT INTO workflows (id, state, name, tenant, steps, blocked, idempotency_key, request_hash, actor, created_at, updated_at)
    SELECT new_id, 'running', name, tenant, count(*), count(*) FILTER (WHERE json_array_length(step -> 'depends_on') > 0), key, hash, actor, at, at
    FROM json_array_elements(steps) AS step
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT w.id, w.request_hash INTO seen FROM workflows w WHERE w.tenant = start_workflow.tenant AND w.idempotency_key = key;
        IF seen.request_hash IS DISTINCT FROM hash THEN
            RAISE EXCEPTION 'this idempotency key was used before for something else' USING ERRCODE = 'PV002';
        END IF;
        RETURN QUERY SELECT seen.id, false;
        RETURN;
    END IF;
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, request_id, occurred_at)
    VALUES ('workflow', new_id, 'none', 'running', actor, request_id, at);
    PERFORM enqueue_jobs(steps, actor, request_id, ring);
    RETURN QUERY SELECT new_id, true;
END $$;
