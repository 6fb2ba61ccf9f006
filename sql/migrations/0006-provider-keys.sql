-- The published keys of an identity provider, so that a restart does not depend on its being there.

CREATE TABLE provider_keys (
    issuer   TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,                     -- {"keys":[…]}
    fetched  INTEGER NOT NULL                   -- when they were last seen published
);
