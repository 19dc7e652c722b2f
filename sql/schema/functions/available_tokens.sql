-- The tokens in the bucket of a rate limit at a given time. A clock that runs backwards removes none.
CREATE OR REPLACE FUNCTION available_tokens(tokens double precision, refilled_at timestamptz, amount integer, window_s double precision, burst integer, at timestamptz)
RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT least(burst::double precision, tokens + greatest(extract(epoch FROM at - refilled_at)::double precision, 0) * amount / window_s) $$;
