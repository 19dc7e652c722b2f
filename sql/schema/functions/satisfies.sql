-- Whether an edge with this outcome lets its dependent run.
CREATE OR REPLACE FUNCTION satisfies(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'completed' OR policy = 'allow_failed') $$;
