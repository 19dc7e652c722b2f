-- Whether a text is a valid name of a kind, queue or tenant.
CREATE OR REPLACE FUNCTION is_valid_name(text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT $1 ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$' $$;
