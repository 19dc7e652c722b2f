-- What is in a rate's bucket now. A clock that runs backwards takes nothing out.
CREATE OR REPLACE FUNCTION tokens_now(tokens double precision, refilled_at timestamptz, most integer, span double precision, burst integer, at timestamptz)
RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT least(burst::double precision, tokens + greatest(extract(epoch FROM at - refilled_at)::double precision, 0) * most / span) $$;
