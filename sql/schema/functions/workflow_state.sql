-- The state of a workflow with these step counts.
CREATE OR REPLACE FUNCTION workflow_state(steps integer, completed integer, failed integer, canceled integer, blocked integer) RETURNS text
IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
SELECT CASE WHEN completed + failed + canceled + blocked < steps THEN 'running'
            WHEN failed > 0 THEN 'failed' WHEN canceled > 0 THEN 'canceled' WHEN blocked > 0 THEN 'failed' ELSE 'completed' END
$$;
