-- List the ids of the steps of a workflow, in the order of its definition.
-- $1 workflow  $2 allowed states, or null for all
SELECT j.id FROM jobs j WHERE j.workflow_id = $1 AND ($2::text[] IS NULL OR j.state = ANY ($2)) ORDER BY j.id
