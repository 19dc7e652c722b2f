-- It is never the case that a project which is on its way has not exactly one unfinished job, or that one at rest has any.
SELECT p.id::text AS id
FROM projects p LEFT JOIN jobs j ON j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled')
GROUP BY p.id
HAVING count(j.id) <> (p.status IN ('creating', 'provisioning', 'deleting'))::integer
