-- Unregister a worker that stops.
WITH deleted AS (
    DELETE FROM workers WHERE id = $1 RETURNING id, state
)
INSERT INTO events (entity, entity_name, previous_state, new_state, actor) SELECT 'worker', id, state, 'gone', id FROM deleted
