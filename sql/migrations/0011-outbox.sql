-- What is to be told of a request, written in the transaction of what it tells. Rows leave when they were delivered, or are too old.

CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES request (id),
    version  INTEGER NOT NULL,                  -- of the request, once it is so
    kind     TEXT NOT NULL,                     -- status_changed: for systems; notification: for people
    sequence INTEGER NOT NULL,                  -- of the request's rows, from 1 without gaps
    at       INTEGER NOT NULL,
    document TEXT NOT NULL,                     -- JSON
    UNIQUE (request, version, kind),
    UNIQUE (request, sequence)
);
CREATE INDEX outbox_by_time ON outbox (at);
CREATE TABLE outbox_count (
    request  TEXT NOT NULL PRIMARY KEY REFERENCES request (id),
    sequence INTEGER NOT NULL
);
