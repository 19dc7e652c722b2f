-- Further settings for sessions of the engine. They run few different statements, very often: planning a claim takes longer
-- than running it, so each statement is planned once. Sequential scans are off, because every lookup has an index: a plan made
-- while a table was small stays good when it has grown, and rows are locked in the order of the statement.
-- $1 for this transaction only?
SELECT set_config('plan_cache_mode', 'force_generic_plan', $1::boolean),
       set_config('enable_seqscan', 'off', $1)
