-- The bucket of a duration. Bucket b holds 1.1^(b-1) to 1.1^b milliseconds, so percentiles are at most 5 % off.
CREATE OR REPLACE FUNCTION histogram_bucket(milliseconds double precision) RETURNS smallint IMMUTABLE LANGUAGE sql AS
$$ SELECT least(ceil(ln(greatest(milliseconds, 1)) / ln(1.1)), 32000)::smallint $$;
