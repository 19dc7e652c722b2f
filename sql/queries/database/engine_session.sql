-- What the engine's connections are besides: they run few statements, all the time, each with a plan that is made once.
-- Planning a claim takes longer than running it.
SELECT set_config('plan_cache_mode', 'force_generic_plan', false)
