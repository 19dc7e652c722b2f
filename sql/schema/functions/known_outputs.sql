-- What operations on a project have recorded, such as the identity of the cluster; the last successful one counts first. A JSON object,
-- or null.
CREATE OR REPLACE FUNCTION known_outputs(project uuid) RETURNS json LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT json_object_agg(known.name, known.value)
FROM (
    SELECT DISTINCT ON (name) name, value
    FROM (SELECT o.name, o.value, 0 AS place, NULL::uuid AS job_id FROM outputs o WHERE o.project_id = project
          UNION ALL SELECT o.key, o.value, 1, s.job_id FROM steps s CROSS JOIN LATERAL json_each(s.output) AS o WHERE s.project_id = project) AS k
    ORDER BY name, place, job_id DESC
) AS known
$$;
