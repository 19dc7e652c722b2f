-- The queue of the operations on projects of a template: its provisioner may have one, such as that of a cluster.
CREATE OR REPLACE FUNCTION queue_of_template(template text, version integer) RETURNS text
STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT coalesce((SELECT t.settings->>'queue' FROM templates t WHERE t.name = template AND t.version = queue_of_template.version), 'default')
$$;
