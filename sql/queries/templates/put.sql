-- Register templates. A template whose content has changed gets a new version; others stay as they are.
-- $1 names  $2 provisioners  $3 settings (JSON)  $4 definitions (JSON)  $5 hashes
INSERT INTO templates (name, version, provisioner, settings, definition, hash)
SELECT t.name, coalesce(latest.version, 0) + 1, t.provisioner, t.settings::json, t.definition::json, t.hash
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS t (name, provisioner, settings, definition, hash)
LEFT JOIN LATERAL (SELECT o.version, o.hash FROM templates o WHERE o.name = t.name ORDER BY o.version DESC LIMIT 1) AS latest ON true
WHERE latest.hash IS DISTINCT FROM t.hash
ON CONFLICT (name, version) DO NOTHING
