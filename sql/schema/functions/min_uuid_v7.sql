-- The lowest UUIDv7 of a time, to find the start of a time range by primary key.
CREATE OR REPLACE FUNCTION min_uuid_v7(at timestamptz) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
SELECT (lpad(to_hex(greatest((extract(epoch FROM at) * 1000)::bigint, 0)), 12, '0') || '70008000000000000000')::uuid
$$;
