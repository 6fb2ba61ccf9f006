-- Keys of links that can be changed, the highest time that was ever seen, and links that left TLS.

-- The newest row signs; the one before it verifies until it retires. Ids are k1, k2, … and are not used twice.
CREATE TABLE sas_key (
    id      INTEGER PRIMARY KEY,
    wrapped TEXT NOT NULL,                      -- hex: the key under the master key of secrets.sas_key_file
    created INTEGER NOT NULL,
    retires INTEGER                             -- NULL: it signs
);

-- One row.
CREATE TABLE high_water (
    id   INTEGER PRIMARY KEY,
    time INTEGER NOT NULL
);

ALTER TABLE link ADD COLUMN leaked INTEGER;     -- when it was first seen outside TLS

CREATE INDEX link_by_expiry ON link (expires);
CREATE INDEX use_told ON use (minute) WHERE sent = 0;
