-- Whether a limit speaks of such a job.
CREATE OR REPLACE FUNCTION covers(scope text, value text, queue text, kind text, tenant text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT CASE scope WHEN 'global' THEN true WHEN 'queue' THEN value = queue WHEN 'kind' THEN value = kind ELSE value = tenant END $$;
