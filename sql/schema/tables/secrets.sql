-- Secrets of projects: encrypted with a key of their own, which is encrypted with the key of the installation. Both are bound
-- to the project and the name, so a row cannot be moved to another project.
CREATE TABLE secrets (
    id          uuid        PRIMARY KEY,
    project_id  uuid        NOT NULL,
    name        text        NOT NULL
        CHECK (char_length(name) BETWEEN 1 AND 128),
    key_id      text        NOT NULL,                          -- the key that encrypts `wrapped_key`
    wrapped_key bytea       NOT NULL,
    ciphertext  bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (project_id, name)
);
CREATE INDEX secrets_by_key ON secrets (key_id, id);
