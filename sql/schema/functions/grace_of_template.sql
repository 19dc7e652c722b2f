-- How long a deleted project of this template can be restored (s).
CREATE OR REPLACE FUNCTION grace_of_template(template text, version integer) RETURNS double precision
LANGUAGE sql STABLE SET search_path = provost, pg_temp AS $$
SELECT coalesce((SELECT (t.definition ->> 'grace_s')::float8 FROM templates t WHERE t.name = template AND t.version = grace_of_template.version), 0)
$$;
