-- Which jobs are the steps of this workflow? In the order in which they were named.
-- $1 workflow  $2 only in these states, or null for all
SELECT j.id FROM jobs j WHERE j.workflow_id = $1 AND ($2::text[] IS NULL OR j.state = ANY ($2)) ORDER BY j.id
