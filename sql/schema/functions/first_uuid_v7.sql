-- The least UUIDv7 of a moment: finds the beginning of a window by a primary key that carries its time.
CREATE OR REPLACE FUNCTION first_uuid_v7(at timestamptz) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
SELECT (lpad(to_hex(greatest((extract(epoch FROM at) * 1000)::bigint, 0)), 12, '0') || '70008000000000000000')::uuid
$$;
