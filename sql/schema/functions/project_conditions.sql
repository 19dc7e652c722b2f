-- What is known of a project beside its status: a JSON array of its conditions, or null.
CREATE OR REPLACE FUNCTION project_conditions(project uuid) RETURNS text LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT json_agg(json_build_object('type', c.type, 'status', c.status, 'reason', c.reason, 'message', c.message,
                                  'since', to_char(c.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY c.type)::text
FROM conditions c WHERE c.project_id = project
$$;
