-- What the engine's connections are besides: they run few statements, all the time, each with a plan that is made once.
-- Planning a claim takes longer than running it. And everything they look for has an index: a table that was small when it
-- was last analysed is not read from end to end when it has grown, and rows are locked in the order they were asked for.
SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('enable_seqscan', 'off', false)
