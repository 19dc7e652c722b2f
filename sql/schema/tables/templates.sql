-- Names this installation. What provisioners make is marked with the id, so several installations can share a cluster.
CREATE TABLE installation (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid()
);

-- Templates: recipes of projects, as the servers read them from provost.toml. Every change is a version of its own.
CREATE TABLE templates (
    name        text        NOT NULL
        CHECK (char_length(name) BETWEEN 1 AND 128),
    version     integer     NOT NULL,
    provisioner text        NOT NULL,
    settings    json        NOT NULL,                          -- for the provisioner
    definition  json        NOT NULL,                          -- as shown to clients
    hash        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version)
);
