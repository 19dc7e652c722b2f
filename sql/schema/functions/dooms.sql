-- Can its job never run any more? What failed may be tried again, what was canceled may not.
CREATE OR REPLACE FUNCTION dooms(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'canceled' AND policy <> 'allow_failed' OR outcome = 'failed' AND policy = 'cancel') $$;
