-- Creates a project. Returns its id.
CREATE OR REPLACE FUNCTION create_project(
    name text, template text DEFAULT 'simulated', parameters json DEFAULT '{}', labels jsonb DEFAULT '{}',
    deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql', tenant text DEFAULT 'default',
    queue text DEFAULT NULL, priority integer DEFAULT 5, expires_at timestamptz DEFAULT NULL
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT (p.project).id
FROM submit_project(uuid_v7(), uuid_v7(), name, template, parameters::text, labels::text, tenant, queue, priority::smallint, NULL,
                    extract(epoch FROM deadline)::float8, expires_at, max_attempts, actor, NULL, true, NULL, NULL) AS p
$$;
