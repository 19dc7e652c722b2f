-- Whether an edge with this outcome cancels its dependent. A failed dependency may still be retried, a canceled one may not.
CREATE OR REPLACE FUNCTION cancels_dependent(policy text, outcome text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT outcome IS NOT NULL AND (outcome = 'canceled' AND policy <> 'allow_failed' OR outcome = 'failed' AND policy = 'cancel') $$;
