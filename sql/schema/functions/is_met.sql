-- Does this edge let its job go?
CREATE OR REPLACE FUNCTION is_met(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'completed' OR policy = 'allow_failed') $$;
