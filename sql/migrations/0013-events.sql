-- Events: what is told of a request, and each receiver it is still to be told to. Takes the place of the outbox, whose
-- rows nobody ever read; a request's numbers go on from where they were.

DROP TABLE outbox;
ALTER TABLE outbox_count RENAME TO event_count;

CREATE TABLE event (
    id        INTEGER PRIMARY KEY,              -- grows for ever: the place in the live feed
    request   TEXT NOT NULL REFERENCES request (id),
    workspace TEXT NOT NULL,
    version   INTEGER NOT NULL,                 -- of the request: the one that results, or in which a step ran
    kind      TEXT NOT NULL,                    -- model/cloud_event.def
    sequence  INTEGER NOT NULL,                 -- of the request's rows, from 1 without gaps
    at        INTEGER NOT NULL,
    document  TEXT NOT NULL,                    -- JSON, the event's data
    UNIQUE (request, version, kind),
    UNIQUE (request, sequence)
);
CREATE INDEX event_by_workspace ON event (workspace, id);

-- One event to one receiver. What was taken leaves.
CREATE TABLE delivery (
    id          INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL REFERENCES event (id),
    endpoint    TEXT NOT NULL,
    subject     TEXT NOT NULL,                  -- the person of a mail, or ''
    detail      TEXT NOT NULL,                  -- JSON of the rule behind a notice, or ''
    state       TEXT NOT NULL,                  -- open, dead, skipped
    next_try    INTEGER NOT NULL,               -- while leased the lease's end: one look finds what is due
    lease_until INTEGER NOT NULL,               -- 0: not leased
    token       INTEGER NOT NULL,               -- of the last lease, drawn: an id may come back, a token does not
    leases      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,               -- leases that ended without success
    error       TEXT,                           -- of the last try
    created     INTEGER NOT NULL,
    UNIQUE (event, endpoint, subject, detail)
);
CREATE INDEX delivery_due ON delivery (endpoint, state, next_try);
CREATE INDEX delivery_by_age ON delivery (endpoint, state, created);
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until > 0;
