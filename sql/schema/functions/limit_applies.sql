-- Whether a limit applies to jobs of this queue, kind and tenant.
CREATE OR REPLACE FUNCTION limit_applies(scope text, value text, queue text, kind text, tenant text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT CASE scope WHEN 'global' THEN true WHEN 'queue' THEN value = queue WHEN 'kind' THEN value = kind ELSE value = tenant END $$;
