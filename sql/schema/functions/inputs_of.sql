-- Outcomes and results of the dependencies of a job, as a JSON object keyed by step name, or by job id for dependencies outside
-- the workflow. Results are copied byte for byte; those beyond a total of 1 MiB are omitted and marked.
CREATE OR REPLACE FUNCTION inputs_of(job uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT json_object_agg(name, CASE
    WHEN p.error IS NOT NULL THEN json_build_object('job_id', p.depends_on, 'state', p.state, 'error', p.error)
    WHEN bytes > 1048576 AND p.result IS NOT NULL THEN json_build_object('job_id', p.depends_on, 'state', p.state, 'omitted', true)
    ELSE json_build_object('job_id', p.depends_on, 'state', p.state, 'result', p.result) END ORDER BY p.depends_on)::text
FROM (SELECT e.depends_on, coalesce(j.state, e.outcome) AS state, j.result, j.error, CASE WHEN j.workflow_id = dependent.workflow_id THEN j.step ELSE e.depends_on::text END AS name,
             sum(octet_length(j.result::text)) OVER (ORDER BY e.depends_on ROWS UNBOUNDED PRECEDING) AS bytes
      FROM jobs dependent JOIN job_dependencies e ON e.job_id = dependent.id LEFT JOIN jobs j ON j.id = e.depends_on WHERE dependent.id = job) AS p
$$;
